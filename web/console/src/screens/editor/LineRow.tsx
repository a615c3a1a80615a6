import { memo, useState } from "react";
import type { invoice as pb } from "@invoice-app/client";
import { Amount } from "../../components/Amount.js";
import { Button } from "../../components/Button.js";
import { SelectField, TextArea, TextField } from "../../forms/Field.js";
import { TAXES, UNITS } from "../../text/codes.js";
import { Adjustments } from "./Adjustments.js";
import { blankAdjustment, type LineForm } from "./draft.js";

const STANDARD: pb.TaxCategory = 1;
const LAST_WITHOUT_REASON: pb.TaxCategory = 2;

interface LineRowProps {
  at: number;
  line: LineForm;
  currencyCode: string;
  /** What the line comes to, by the server. */
  netMinor: bigint | undefined;
  onChange: (line: LineForm) => void;
  onRemove: (at: number) => void;
  onMove: (at: number, by: number) => void;
  isLast: boolean;
}

/** One line: what, how much, at which price and tax. The rest is out of the way until it is needed. */
export const LineRow = memo(function LineRow(props: LineRowProps) {
  const { at, line, currencyCode, netMinor, onChange, onRemove, onMove, isLast } = props;
  const path = `invoice.lines[${at}]`;
  const [isOpen, setOpen] = useState(line.detail !== "");
  const set = (key: "description" | "detail" | "quantity" | "unitCode" | "unitPrice" | "taxRate" | "exemptionReason") => ({
    value: line[key],
    onValue: (value: string) => onChange({ ...line, [key]: value }),
  });
  const needsReason = line.taxCategory > LAST_WITHOUT_REASON;
  return (
    <li className="line" aria-label={`Line ${at + 1}`}>
      <div className="line-main">
        <TextField label="Description" name={`${path}.description`} className="line-what" {...set("description")} />
        <TextField label="Quantity" name={`${path}.quantity`} inputMode="decimal" {...set("quantity")} />
        <SelectField label="Unit" name={`${path}.unit_code`} {...set("unitCode")}>
          {!(line.unitCode in UNITS) && <option value={line.unitCode}>{line.unitCode}</option>}
          {Object.entries(UNITS).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </SelectField>
        <TextField label="Price" name={`${path}.unit_price`} inputMode="decimal" {...set("unitPrice")} />
        <SelectField
          label="Tax"
          name={`${path}.tax_category`}
          className="line-tax"
          value={String(line.taxCategory)}
          onValue={(value) => onChange({ ...line, taxCategory: Number.parseInt(value, 10) })}
        >
          {line.taxCategory === 0 && <option value="0">Choose…</option>}
          {TAXES.map(({ category, name }) => (
            <option key={category} value={category}>
              {name}
            </option>
          ))}
        </SelectField>
        {line.taxCategory === STANDARD ? (
          <TextField label="Tax %" name={`${path}.tax_rate`} inputMode="decimal" {...set("taxRate")} />
        ) : (
          <span className="line-no-rate" />
        )}
        <p className="line-net">
          <span className="line-net-label">Net</span>
          <Amount minor={netMinor} currency={currencyCode} />
        </p>
      </div>
      {needsReason && (
        <TextField
          label="Why no tax is due"
          name={`${path}.exemption_reason`}
          placeholder="Reverse charge, Article 196 VAT Directive"
          {...set("exemptionReason")}
        />
      )}
      <Adjustments
        path={path}
        rows={line.adjustments}
        currencyCode={currencyCode}
        onChange={(adjustments) => onChange({ ...line, adjustments })}
      />
      {isOpen && <TextArea label="Details" name={`${path}.detail`} optional rows={2} {...set("detail")} />}
      <div className="row line-actions">
        {!isOpen && (
          <Button kind="quiet" small icon="plus" onClick={() => setOpen(true)}>
            Details
          </Button>
        )}
        <Button
          kind="quiet"
          small
          icon="plus"
          onClick={() => onChange({ ...line, adjustments: [...line.adjustments, blankAdjustment()] })}
        >
          Discount
        </Button>
        <span className="line-place">
          <Button kind="quiet" small icon="up" aria-label={`Move line ${at + 1} up`} disabled={at === 0} onClick={() => onMove(at, -1)} />
          <Button kind="quiet" small icon="down" aria-label={`Move line ${at + 1} down`} disabled={isLast} onClick={() => onMove(at, 1)} />
          <Button kind="quiet" small icon="trash" aria-label={`Remove line ${at + 1}`} onClick={() => onRemove(at)} />
        </span>
      </div>
    </li>
  );
});
