import type { invoice as pb } from "@invoice-app/client";
import { Link } from "react-router";
import { Amount } from "../../components/Amount.js";
import { StateBadge } from "../../components/StateBadge.js";
import { formatDay, fromToday } from "../../text/days.js";
import { documentName } from "../../text/states.js";

export function InvoiceTable({ invoices, dimmed }: { invoices: readonly pb.Invoice[]; dimmed: boolean }) {
  return (
    <table className="invoices" aria-busy={dimmed}>
      <thead>
        <tr>
          <th scope="col">Invoice</th>
          <th scope="col" className="on-wide">
            Issued
          </th>
          <th scope="col" className="on-wide">
            Due
          </th>
          <th scope="col" className="on-desk">
            State
          </th>
          <th scope="col" className="end">
            Amount
          </th>
        </tr>
      </thead>
      <tbody>
        {invoices.map((invoice) => (
          <Row key={invoice.id} invoice={invoice} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ invoice }: { invoice: pb.Invoice }) {
  const { totals, currencyCode } = invoice;
  const isPartly = totals !== undefined && totals.remainingMinor > 0n && totals.remainingMinor !== totals.grossMinor;
  return (
    <tr>
      <td>
        <Link to={`/invoices/${invoice.id}`} className="row-link">
          {invoice.buyer?.name || <span className="soft">No customer yet</span>}
        </Link>
        <span className="under figure">{documentName(invoice)}</span>
      </td>
      <td className="on-wide figure">{formatDay(invoice.issueDate) || <span className="soft">–</span>}</td>
      <td className="on-wide figure">
        {formatDay(invoice.dueDate) || <span className="soft">–</span>}
        {invoice.overdue && <span className="under late">{fromToday(invoice.dueDate)}</span>}
      </td>
      <td className="on-desk">
        <StateBadge invoice={invoice} />
      </td>
      <td className="end">
        <span className="on-phone">
          <StateBadge invoice={invoice} />
        </span>
        <Amount minor={totals?.grossMinor} currency={currencyCode} />
        {isPartly && (
          <span className="under">
            <Amount minor={totals.remainingMinor} currency={currencyCode} /> to pay
          </span>
        )}
      </td>
    </tr>
  );
}

/** The table before its answer has come. */
export function InvoiceTableSkeleton() {
  return (
    <div className="table-skeleton" role="status">
      <span className="only-read-aloud">Loading…</span>
      {Array.from({ length: 6 }, (_, row) => (
        <div key={row}>
          <span className="skeleton" />
          <span className="skeleton" />
          <span className="skeleton" />
        </div>
      ))}
    </div>
  );
}
