import { useQuery } from "@connectrpc/connect-query";
import { CallError, invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { useParams } from "react-router";
import { Failure } from "../../components/Failure.js";
import { PageHead } from "../../components/PageHead.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { StateBadge } from "../../components/StateBadge.js";
import { documentName } from "../../text/states.js";
import { Actions } from "./Actions.js";
import { AmountDue } from "./AmountDue.js";
import { CreditNotes, Preceding } from "./CreditNotes.js";
import { History } from "./History.js";
import { Paper } from "./Paper.js";
import { Payments } from "./Payments.js";
import "../editor/editor.css";
import "./invoice.css";

export function Component() {
  const { invoiceId = "" } = useParams();
  const { data: invoice, error, refetch } = useQuery(InvoiceService.method.getInvoice, { invoiceId });
  // What was deleted elsewhere is not shown any longer.
  const isGone = error !== null && CallError.from(error).reason === "INVOICE_NOT_FOUND";
  if (invoice === undefined || isGone) {
    return error === null ? <PageSkeleton /> : <Failure error={error} again={() => void refetch()} />;
  }
  const isDraft = invoice.state === pb.Invoice_State.DRAFT;
  return (
    <>
      <PageHead
        title={documentName(invoice)}
        beside={<StateBadge invoice={invoice} />}
        back={{ to: "/invoices", name: "Invoices" }}
      >
        <Actions invoice={invoice} />
      </PageHead>
      <div className="invoice-view">
        <Paper invoice={invoice} />
        <div className="stack invoice-side">
          {!isDraft && <AmountDue invoice={invoice} />}
          {!isDraft && <Payments invoice={invoice} />}
          <CreditNotes invoice={invoice} />
          <Preceding invoice={invoice} />
          <History invoiceId={invoice.id} />
        </div>
      </div>
    </>
  );
}
