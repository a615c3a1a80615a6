import { useQuery } from "@connectrpc/connect-query";
import { invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { Link } from "react-router";
import { Amount } from "../../components/Amount.js";
import { formatDay } from "../../text/days.js";

/** The credit notes of an invoice. */
export function CreditNotes({ invoice }: { invoice: pb.Invoice }) {
  if (invoice.creditNotes.length === 0) {
    return null;
  }
  return (
    <section className="card stack" aria-labelledby="credits-title">
      <h2 id="credits-title">Credit notes</h2>
      <ul className="payments">
        {invoice.creditNotes.map((note) => (
          <li key={note.id}>
            <div>
              <Link to={`/invoices/${note.id}`}>{note.number}</Link>
              <span className="under">{formatDay(note.issueDate)}</span>
            </div>
            <Amount minor={note.amountMinor} currency={invoice.currencyCode} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The invoice that a credit note credits. */
export function Preceding({ invoice: { precedingInvoiceId } }: { invoice: pb.Invoice }) {
  const isCredit = precedingInvoiceId !== "";
  const { data } = useQuery(
    InvoiceService.method.getInvoice,
    { invoiceId: precedingInvoiceId },
    { enabled: isCredit },
  );
  return isCredit ? (
    <section className="card" aria-label="Credited invoice">
      <p className="soft small">Credits</p>
      <Link to={`/invoices/${precedingInvoiceId}`}>{data?.number ?? "the invoice"}</Link>
    </section>
  ) : null;
}
