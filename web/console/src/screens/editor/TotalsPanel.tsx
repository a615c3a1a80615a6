import type { invoice as pb } from "@invoice-app/client";
import { formatDecimal } from "@invoice-app/client";
import { Amount } from "../../components/Amount.js";
import { taxName } from "../../text/codes.js";

const STANDARD: pb.TaxCategory = 1;

/** What an invoice comes to, as the server has computed it. `isOld`: newer figures are on their way. */
export function TotalsList({ invoice, isOld = false }: { invoice: pb.Invoice | undefined; isOld?: boolean }) {
  const totals = invoice?.totals;
  const currency = invoice?.currencyCode ?? "";
  const row = (name: string, minor: bigint | undefined, strong = false) => (
    <div className={strong ? "total-strong" : undefined}>
      <dt>{name}</dt>
      <dd>
        <Amount minor={minor} currency={currency} />
      </dd>
    </div>
  );
  const given = (name: string, minor: bigint | undefined) => (minor === undefined || minor === 0n ? null : row(name, minor));
  const isAdjusted = totals !== undefined && (totals.allowancesMinor !== 0n || totals.chargesMinor !== 0n);
  return (
    <dl className="totals" aria-busy={isOld}>
      {isAdjusted && row("Lines", totals.linesNetMinor)}
      {given("Discounts", totals && -totals.allowancesMinor)}
      {given("Charges", totals?.chargesMinor)}
      {row("Net", totals?.netMinor)}
      {invoice?.taxBreakdown.map((tax, at) => (
        <div key={at}>
          <dt>
            {tax.taxCategory === STANDARD ? `Tax ${formatDecimal(tax.taxRate || "0")} %` : taxName(tax.taxCategory)}
            <span className="soft small">
              {" "}
              on <Amount minor={tax.taxableMinor} currency={currency} />
            </span>
          </dt>
          <dd>
            <Amount minor={tax.taxMinor} currency={currency} />
          </dd>
        </div>
      ))}
      {row("Total", totals?.grossMinor, true)}
      {given("Rounding", totals?.roundingMinor)}
    </dl>
  );
}
