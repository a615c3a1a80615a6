import { CallError, formatMinor, type invoice as pb } from "@invoice-app/client";
import { useState } from "react";
import { useAction } from "../../api/useAction.js";
import { rememberInvoice } from "../../api/cache.js";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { Dialog } from "../../components/Dialog.js";
import { formatDay } from "../../text/days.js";
import { failureText } from "../../text/reasons.js";

interface IssueDialogProps {
  invoice: pb.Invoice;
  onClose: () => void;
  onIssued: (invoice: pb.Invoice) => void;
  /** The draft is not complete: the violations belong to the editor. */
  onRefused: (failure: CallError) => void;
}

/** Asks before a draft becomes a legal document. */
export function IssueDialog({ invoice, onClose, onIssued, onRefused }: IssueDialogProps) {
  const { id, etag, totals, currencyCode, buyer, issueDate } = invoice;
  const action = useAction();
  const [failure, setFailure] = useState("");
  const issue = async () => {
    try {
      const issued = await action.run((requestId, signal) =>
        product.invoices.issueInvoice({ invoiceId: id, etag, requestId }, { signal }),
      );
      if (issued !== undefined) {
        rememberInvoice(issued);
        onIssued(issued);
      }
    } catch (error) {
      const refusal = CallError.from(error);
      if (refusal.fieldViolations.length > 0) {
        onRefused(refusal);
      } else {
        setFailure(failureText(refusal));
      }
    }
  };
  const amount = totals === undefined ? "" : formatMinor(totals.grossMinor, currencyCode);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Issue this invoice over ${amount}?`}
      text={`For ${buyer?.name || "a customer without a name"}. It gets its number, is dated ${formatDay(issueDate) || "today"}, and cannot be changed any more.`}
    >
      {failure !== "" && (
        <div className="notice bad" role="alert">
          <p>{failure}</p>
        </div>
      )}
      <div className="dialog-actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="primary" icon="send" busy={action.busy} onClick={() => void issue()}>
          {action.waiting ? "Waiting for the server…" : "Issue invoice"}
        </Button>
      </div>
    </Dialog>
  );
}
