import { useInfiniteQuery, useQuery } from "@connectrpc/connect-query";
import { CallError } from "@invoice-app/client";
import { AuthService, InvoiceService, type ListInvoiceEventsResponse } from "@invoice-app/client/services";
import { useState } from "react";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { Failure } from "../../components/Failure.js";
import { formatInstant } from "../../text/days.js";
import { failureText } from "../../text/reasons.js";
import { eventText } from "./eventText.js";

type Event = ListInvoiceEventsResponse["events"][number];

/** Everything that happened to an invoice. */
export function History({ invoiceId }: { invoiceId: string }) {
  const history = useInfiniteQuery(
    InvoiceService.method.listInvoiceEvents,
    { invoiceId, pageToken: "" },
    { pageParamKey: "pageToken", getNextPageParam: ({ nextPageToken }) => nextPageToken || undefined },
  );
  const me = useQuery(AuthService.method.getMe).data?.user?.id;
  const events = history.data?.pages.flatMap((page) => page.events) ?? [];
  return (
    <section className="card stack" aria-labelledby="history-title">
      <div className="row spread">
        <h2 id="history-title">History</h2>
        <Verify invoiceId={invoiceId} />
      </div>
      {history.isError && <Failure error={history.error} again={() => void history.refetch()} />}
      <ol className="history">
        {events.map((event) => (
          <Entry key={event.sequence} event={event} isMine={event.userId === me} />
        ))}
      </ol>
      {history.hasNextPage && (
        <Button busy={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
          Show later entries
        </Button>
      )}
    </section>
  );
}

function Entry({ event, isMine }: { event: Event; isMine: boolean }) {
  return (
    <li>
      <strong>{eventText(event.action)}</strong>
      <span className="under">
        {formatInstant(event.time)} · {isMine ? "you" : "a colleague"}
      </span>
      {event.reason !== "" && <span className="under">“{event.reason}”</span>}
    </li>
  );
}

/** Has the server compute every hash of the history anew. */
function Verify({ invoiceId }: { invoiceId: string }) {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    try {
      const { intact, firstBadSequence } = await product.invoices.verifyInvoiceHistory({ invoiceId });
      setSaid(intact ? "Intact" : `Entry ${firstBadSequence} was altered`);
    } catch (failure) {
      setSaid(failureText(CallError.from(failure)));
    }
    setBusy(false);
  };
  return (
    <span className="row">
      <span className="small soft" role="status">
        {said}
      </span>
      <Button small kind="quiet" icon="shield" busy={busy} onClick={() => void verify()}>
        Check
      </Button>
    </span>
  );
}
