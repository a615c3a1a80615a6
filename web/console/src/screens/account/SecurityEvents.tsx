import { useInfiniteQuery } from "@connectrpc/connect-query";
import { AuthService } from "@invoice-app/client/services";
import { Button } from "../../components/Button.js";
import { Failure } from "../../components/Failure.js";
import { formatInstant } from "../../text/days.js";
import { isAlarming, securityText } from "./securityText.js";

/** What happened around the account. */
export function SecurityEvents() {
  const list = useInfiniteQuery(
    AuthService.method.listSecurityEvents,
    { pageSize: 10, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined },
  );
  const events = list.data?.pages.flatMap((page) => page.events) ?? [];
  return (
    <section className="card stack" aria-labelledby="security-title">
      <h2 id="security-title">What happened to your account</h2>
      {list.isError && <Failure error={list.error} again={() => void list.refetch()} />}
      <ul className="sessions">
        {events.map((event) => (
          <li key={event.id}>
            <div>
              <strong className={isAlarming(event.type) ? "late" : undefined}>{securityText(event.type)}</strong>
              <span className="under">
                {[formatInstant(event.time), event.clientLabel, event.addressPrefix].filter(Boolean).join(" · ")}
              </span>
            </div>
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div>
          <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show earlier
          </Button>
        </div>
      )}
    </section>
  );
}
