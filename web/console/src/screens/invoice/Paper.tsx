import { formatDecimal, formatMinor, invoice as pb } from "@invoice-app/client";
import { Amount } from "../../components/Amount.js";
import { countryName, unitName } from "../../text/codes.js";
import { formatDay } from "../../text/days.js";
import { TotalsList } from "../editor/TotalsPanel.js";

/** The invoice as its customer sees it. */
export function Paper({ invoice }: { invoice: pb.Invoice }) {
  const facts: [string, string][] = [
    ["Issued", formatDay(invoice.issueDate)],
    ["Due", formatDay(invoice.dueDate)],
    ["Supplied", formatDay(invoice.supplyDate)],
    ["Your reference", invoice.buyerReference],
    ["Purchase order", invoice.purchaseOrder],
  ];
  return (
    <article className="card paper" aria-label="Document">
      <div className="paper-parties">
        <Party label="From" party={invoice.seller} missing="From your company profile" />
        <Party label="To" party={invoice.buyer} missing="No customer yet" />
        <dl className="facts">
          {facts
            .filter(([, value]) => value !== "")
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
      </div>
      <Lines invoice={invoice} />
      <div className="paper-totals">
        <TotalsList invoice={invoice} />
      </div>
      {invoice.note !== "" && <p className="paper-note">{invoice.note}</p>}
    </article>
  );
}

function Party({ label, party, missing }: { label: string; party: pb.Party | undefined; missing: string }) {
  const { line1 = "", line2 = "", postalCode = "", city = "", region = "", countryCode = "" } = party?.address ?? {};
  const place = [[postalCode, city].filter(Boolean).join(" "), region].filter(Boolean).join(", ");
  const rows = [line1, line2, place, countryCode && countryName(countryCode), party?.taxId, party?.email];
  return (
    <address className="party">
      <span className="party-label">{label}</span>
      {party?.name ? <strong>{party.name}</strong> : <span className="soft">{missing}</span>}
      {rows.filter(Boolean).map((row) => (
        <span key={row}>{row}</span>
      ))}
    </address>
  );
}

function Lines({ invoice }: { invoice: pb.Invoice }) {
  if (invoice.lines.length === 0) {
    return <p className="soft paper-note">No lines yet.</p>;
  }
  return (
    <table className="paper-lines">
      <thead>
        <tr>
          <th scope="col">Description</th>
          <th scope="col" className="end">
            Quantity
          </th>
          <th scope="col" className="end on-desk">
            Price
          </th>
          <th scope="col" className="end on-desk">
            Tax
          </th>
          <th scope="col" className="end">
            Net
          </th>
        </tr>
      </thead>
      <tbody>
        {invoice.lines.map((line) => (
          <tr key={line.id}>
            <td>
              {line.description || <span className="soft">No description</span>}
              {line.detail !== "" && <span className="under">{line.detail}</span>}
              {line.adjustments.map((adjustment, at) => (
                <span className="under" key={at}>
                  {adjustmentText(adjustment, invoice.currencyCode)}
                </span>
              ))}
              {line.exemptionReason !== "" && <span className="under">{line.exemptionReason}</span>}
            </td>
            <td className="end figure">
              {decimal(line.quantity)} <span className="soft">{unitName(line.unitCode, line.quantity)}</span>
            </td>
            <td className="end figure on-desk">{decimal(line.unitPrice)}</td>
            <td className="end figure on-desk">{line.taxRate === "" ? "–" : `${decimal(line.taxRate)} %`}</td>
            <td className="end">
              <Amount minor={line.netMinor} currency={invoice.currencyCode} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function decimal(text: string): string {
  return text === "" ? "–" : formatDecimal(text);
}

function adjustmentText({ kind, value, reason }: pb.Adjustment, currency: string): string {
  const name = kind === pb.Adjustment_Kind.CHARGE ? "Charge" : "Discount";
  const size = value.case === "amountMinor" ? formatMinor(value.value, currency) : `${decimal(value.value ?? "")} %`;
  return `${name} ${size}${reason === "" ? "" : `: ${reason}`}`;
}
