import { useQuery } from "@connectrpc/connect-query";
import { formatMinor, invoice as pb } from "@invoice-app/client";
import { InvoiceService, type SummarizeInvoicesResponse } from "@invoice-app/client/services";
import { keepPreviousData } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Amount } from "../../components/Amount.js";
import { proportions } from "./proportions.js";
import type { View } from "./listAddress.js";
import "./summary.css";

type Currency = SummarizeInvoicesResponse["currencies"][number];

/** What all invoices come to, one currency at a time. `show` narrows the list below. */
export function Summary({ show }: { show: (view: View) => void }) {
  const { data } = useQuery(InvoiceService.method.summarizeInvoices, {}, { placeholderData: keepPreviousData });
  const [chosen, setChosen] = useState("");
  const currencies = data?.currencies ?? [];
  const summary = currencies.find(({ currencyCode }) => currencyCode === chosen) ?? currencies[0];
  if (summary === undefined) {
    return null;
  }
  return (
    <section className="summary" aria-label="Summary">
      {currencies.length > 1 && (
        <div className="views" role="group" aria-label="Currency">
          {currencies.map(({ currencyCode }) => (
            <button
              key={currencyCode}
              type="button"
              aria-pressed={currencyCode === summary.currencyCode}
              onClick={() => setChosen(currencyCode)}
            >
              {currencyCode}
            </button>
          ))}
        </div>
      )}
      <div className="summary-cards">
        <Figures summary={summary} show={show} />
        <Ageing summary={summary} />
      </div>
    </section>
  );
}

function Figures({ summary, show }: { summary: Currency; show: (view: View) => void }) {
  const of = (state: pb.Invoice_State) => summary.invoices.find((entry) => entry.state === state);
  const [draft, open, paid] = [pb.Invoice_State.DRAFT, pb.Invoice_State.OPEN, pb.Invoice_State.PAID].map(of);
  const { currencyCode: currency, overdue } = summary;
  return (
    <>
      <Figure name="To be paid" count={open?.count} onShow={() => show("open")}>
        <Amount minor={open?.remainingMinor ?? 0n} currency={currency} />
      </Figure>
      <Figure name="Overdue" count={overdue?.count} isLate={overdue !== undefined && overdue.count > 0n} onShow={() => show("overdue")}>
        <Amount minor={overdue?.remainingMinor ?? 0n} currency={currency} />
      </Figure>
      <Figure name="Paid" count={paid?.count} onShow={() => show("paid")}>
        <Amount minor={paid?.paidMinor ?? 0n} currency={currency} />
      </Figure>
      <Figure name="In drafts" count={draft?.count} onShow={() => show("draft")}>
        <Amount minor={draft?.grossMinor ?? 0n} currency={currency} />
      </Figure>
    </>
  );
}

interface FigureProps {
  name: string;
  count: bigint | undefined;
  isLate?: boolean;
  onShow: () => void;
  children: ReactNode;
}

function Figure({ name, count = 0n, isLate = false, onShow, children }: FigureProps) {
  return (
    <button type="button" className={`card summary-figure ${isLate ? "is-late" : ""}`} onClick={onShow}>
      <span className="soft small">{name}</span>
      <span className="summary-amount">{children}</span>
      <span className="soft small">{count === 1n ? "1 invoice" : `${count} invoices`}</span>
    </button>
  );
}

const LENGTH = 1000;

/** What remains on open invoices by how long ago it was due: a bar for eyes, and a list for everybody. */
function Ageing({ summary: { ageing, currencyCode } }: { summary: Currency }) {
  const parts = [
    { name: "Not due yet", key: "age-0", part: ageing?.notDue },
    { name: "Up to 30 days", key: "age-1", part: ageing?.days0To30 },
    { name: "31 to 60 days", key: "age-2", part: ageing?.days31To60 },
    { name: "61 to 90 days", key: "age-3", part: ageing?.days61To90 },
    { name: "Over 90 days", key: "age-4", part: ageing?.daysOver90 },
  ].map(({ name, key, part }) => ({ name, key, minor: part?.remainingMinor ?? 0n }));
  const shares = proportions(parts.map(({ minor }) => minor), LENGTH);
  const starts = shares.map((_, at) => shares.slice(0, at).reduce((sum, share) => sum + share, 0));
  if (shares.every((share) => share === 0)) {
    return null;
  }
  return (
    <div className="card summary-ageing">
      <h2 className="soft small">Due since</h2>
      <svg viewBox={`0 0 ${LENGTH} 24`} preserveAspectRatio="none" aria-hidden="true">
        {parts.map(({ key, name, minor }, at) => (
          <rect key={key} className={key} x={starts[at]} width={shares[at]} height={24}>
            <title>{`${name}: ${formatMinor(minor, currencyCode)}`}</title>
          </rect>
        ))}
      </svg>
      <dl>
        {parts
          .filter(({ minor }) => minor !== 0n)
          .map(({ key, name, minor }) => (
            <div key={key}>
              <dt className={key}>{name}</dt>
              <dd>
                <Amount minor={minor} currency={currencyCode} />
              </dd>
            </div>
          ))}
      </dl>
    </div>
  );
}
