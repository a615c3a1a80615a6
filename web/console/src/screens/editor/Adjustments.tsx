import { Button } from "../../components/Button.js";
import { SelectField, TextField } from "../../forms/Field.js";
import type { AdjustmentForm } from "./draft.js";

interface AdjustmentsProps {
  /** Of what they are: `invoice`, `invoice.lines[0]`. */
  path: string;
  rows: readonly AdjustmentForm[];
  currencyCode: string;
  onChange: (rows: AdjustmentForm[]) => void;
}

/** Discounts and charges. */
export function Adjustments({ path, rows, currencyCode, onChange }: AdjustmentsProps) {
  if (rows.length === 0) {
    return null;
  }
  const change = (at: number, part: Partial<AdjustmentForm>) =>
    onChange(rows.map((row, position) => (position === at ? { ...row, ...part } : row)));
  return (
    <ul className="adjustments">
      {rows.map((row, at) => {
        const rowPath = `${path}.adjustments[${at}]`;
        return (
          <li key={row.key} className="adjustment">
            <SelectField
              label="Kind"
              name={`${rowPath}.kind`}
              value={row.kind}
              onValue={(kind) => change(at, { kind: kind === "charge" ? "charge" : "allowance" })}
            >
              <option value="allowance">Discount</option>
              <option value="charge">Charge</option>
            </SelectField>
            <TextField
              label={row.unit === "percent" ? "Percentage" : "Amount"}
              name={`${rowPath}.${row.unit === "percent" ? "percent" : "amount_minor"}`}
              inputMode="decimal"
              value={row.value}
              onValue={(value) => change(at, { value })}
            />
            <SelectField
              label="In"
              name={`${rowPath}.unit`}
              value={row.unit}
              onValue={(unit) => change(at, { unit: unit === "amount" ? "amount" : "percent" })}
            >
              <option value="percent">%</option>
              <option value="amount">{currencyCode}</option>
            </SelectField>
            <TextField
              label="Reason"
              name={`${rowPath}.reason`}
              optional
              className="adjustment-reason"
              value={row.reason}
              onValue={(reason) => change(at, { reason })}
            />
            <Button
              kind="quiet"
              icon="trash"
              aria-label={`Remove ${row.kind === "charge" ? "charge" : "discount"} ${at + 1}`}
              onClick={() => onChange(rows.filter((_, position) => position !== at))}
            />
          </li>
        );
      })}
    </ul>
  );
}
