import { useInfiniteQuery } from "@connectrpc/connect-query";
import { AuthService, type Session } from "@invoice-app/client/services";
import { useState } from "react";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { ConfirmDialog } from "../../components/ConfirmDialog.js";
import { Failure } from "../../components/Failure.js";
import { Icon } from "../../components/Icon.js";
import { useToast } from "../../components/Toasts.js";
import { formatInstant } from "../../text/days.js";
import { refreshSecurity } from "./refreshSecurity.js";

/** Where the person is signed in. */
export function Sessions() {
  const list = useInfiniteQuery(
    AuthService.method.listSessions,
    { pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined },
  );
  const [ending, setEnding] = useState<Session | "others">();
  const toast = useToast();
  const sessions = list.data?.pages.flatMap((page) => page.sessions) ?? [];
  const end = async () => {
    if (ending === "others") {
      await product.account.revokeOtherSessions({});
    } else if (ending !== undefined) {
      await product.account.revokeSession({ sessionId: ending.id });
    }
    toast("Signed out there.");
    refreshSecurity();
  };
  return (
    <section className="card stack" aria-labelledby="sessions-title">
      <div className="row spread">
        <h2 id="sessions-title">Where you are signed in</h2>
        {sessions.length > 1 && (
          <Button small onClick={() => setEnding("others")}>
            End all others
          </Button>
        )}
      </div>
      {list.isError && <Failure error={list.error} again={() => void list.refetch()} />}
      <ul className="sessions">
        {sessions.map((session) => (
          <li key={session.id}>
            <Icon name="device" />
            <div>
              <strong>{session.clientLabel || "Unnamed"}</strong>
              <span className="under">
                Last used {formatInstant(session.lastUseTime)}
                {session.addressPrefix !== "" && ` · ${session.addressPrefix}`}
              </span>
            </div>
            {session.current ? (
              <span className="badge good">This one</span>
            ) : (
              <Button small kind="quiet" onClick={() => setEnding(session)}>
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show more
        </Button>
      )}
      <ConfirmDialog
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={ending === "others" ? "End all other sessions?" : `End the session of ${ending?.clientLabel || "this device"}?`}
        text="Whoever uses it has to sign in again. Nothing that was saved is lost."
        verb="End session"
        danger
        act={end}
      />
    </section>
  );
}
