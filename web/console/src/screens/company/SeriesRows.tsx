import { invoice as pb } from "@invoice-app/client";
import { Series_Reset } from "@invoice-app/client/services";
import { Button } from "../../components/Button.js";
import { SelectField, TextField } from "../../forms/Field.js";
import { blankSeries, type SeriesForm } from "./profile.js";

/** How numbers look and how they count. The first series of each kind is the usual one. */
export function SeriesRows({ series, onChange }: { series: SeriesForm[]; onChange: (series: SeriesForm[]) => void }) {
  const change = (at: number, part: Partial<SeriesForm>) =>
    onChange(series.map((row, position) => (position === at ? { ...row, ...part } : row)));
  return (
    <section className="card stack" aria-labelledby="series-title">
      <div>
        <h2 id="series-title">Number series</h2>
        <p className="soft small">
          {"{YYYY}, {YY} and {MM} are year and month of issue; {SEQ:4} is the count with four digits."} The first series of
          each kind is the usual one.
        </p>
      </div>
      <ul className="series">
        {series.map((row, at) => {
          const path = `profile.series[${at}]`;
          return (
            <li key={row.key}>
              <TextField label="Name" name={`${path}.id`} value={row.id} onValue={(id) => change(at, { id })} />
              <TextField
                label="Looks like"
                name={`${path}.template`}
                value={row.template}
                onValue={(template) => change(at, { template })}
              />
              <SelectField
                label="For"
                name={`${path}.kind`}
                value={String(row.kind)}
                onValue={(kind) => change(at, { kind: Number.parseInt(kind, 10) })}
              >
                <option value={String(pb.Invoice_Type.INVOICE)}>Invoices</option>
                <option value={String(pb.Invoice_Type.CREDIT_NOTE)}>Credit notes</option>
              </SelectField>
              <SelectField
                label="Begins anew"
                name={`${path}.reset`}
                value={String(row.reset)}
                onValue={(reset) => change(at, { reset: Number.parseInt(reset, 10) })}
              >
                <option value={String(Series_Reset.YEARLY)}>Every year</option>
                <option value={String(Series_Reset.MONTHLY)}>Every month</option>
                <option value={String(Series_Reset.NEVER)}>Never</option>
              </SelectField>
              <TextField
                label="Next count"
                name={`${path}.next_sequence`}
                inputMode="numeric"
                value={row.nextSequence}
                onValue={(nextSequence) => change(at, { nextSequence })}
              />
              <Button
                kind="quiet"
                icon="trash"
                aria-label={`Remove series ${row.id || at + 1}`}
                onClick={() => onChange(series.filter((_, position) => position !== at))}
              />
            </li>
          );
        })}
      </ul>
      <div>
        <Button icon="plus" onClick={() => onChange([...series, blankSeries()])}>
          Add series
        </Button>
      </div>
    </section>
  );
}
