import { invoice as pb } from "@invoice-app/client";
import { Amount } from "../../components/Amount.js";
import { formatDay, fromToday } from "../../text/days.js";

/** What is still to be paid, and until when. */
export function AmountDue({ invoice }: { invoice: pb.Invoice }) {
  const { totals, currencyCode, overdue, dueDate, state, type } = invoice;
  if (type === pb.Invoice_Type.CREDIT_NOTE) {
    return null;
  }
  const rows: [string, bigint | undefined][] = [
    ["Paid", totals?.paidMinor],
    ["Credited", totals?.creditedMinor],
    ["Overpaid", totals?.overpaidMinor],
  ];
  return (
    <section className="card" aria-label="Amount due">
      <p className="soft small">To be paid</p>
      <p className="due-figure">
        <Amount minor={totals?.remainingMinor} currency={currencyCode} />
      </p>
      {state === pb.Invoice_State.OPEN && dueDate !== "" && (
        <p className={overdue ? "late" : "soft"}>
          Due {formatDay(dueDate)}, {fromToday(dueDate)}
        </p>
      )}
      <dl className="totals due-rows">
        {rows
          .filter(([, minor]) => minor !== undefined && minor !== 0n)
          .map(([name, minor]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Amount minor={minor} currency={currencyCode} />
              </dd>
            </div>
          ))}
      </dl>
    </section>
  );
}
