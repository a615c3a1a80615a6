import { formatDecimal, formatMinor, type invoice as pb } from "@invoice-app/client";
import { useState } from "react";
import { rememberInvoice } from "../../api/cache.js";
import { useAction } from "../../api/useAction.js";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { Dialog } from "../../components/Dialog.js";
import { SelectField, TextArea, TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { UNITS, unitName } from "../../text/codes.js";
import { creditRows, readCredit, rowName, type CreditRow } from "./credit.js";

interface CreditDialogProps {
  invoice: pb.Invoice;
  onClose: () => void;
  onCredited: (creditNote: pb.Invoice) => void;
}

/** Gives back everything that is left of an invoice, or some of its lines. */
export function CreditDialog({ invoice, onClose, onCredited }: CreditDialogProps) {
  const { id: invoiceId, etag, currencyCode, number } = invoice;
  const [everything, setEverything] = useState(true);
  const [rows, setRows] = useState(() => creditRows(invoice));
  const [reason, setReason] = useState("");
  const errors = useFormErrors();
  const action = useAction();
  const change = (at: number, part: Partial<CreditRow>) =>
    setRows(rows.map((row, position) => (position === at ? { ...row, ...part } : row)));
  const credit = async () => {
    const { lines, names, violations } = readCredit(everything ? [] : rows, currencyCode);
    if (violations.length > 0) {
      errors.showViolations(violations);
      return;
    }
    if (!everything && lines.length === 0) {
      const description = "Say how much of at least one line.";
      errors.showViolations([{ field: rowName(0), reason: "", description }]);
      return;
    }
    try {
      const request = { invoiceId, etag, lines, reason: reason.trim() };
      const credited = await action.run((requestId, signal) =>
        product.invoices.createCreditNote({ ...request, requestId }, { signal }),
      );
      if (credited?.invoice !== undefined && credited.creditNote !== undefined) {
        rememberInvoice(credited.creditNote);
        rememberInvoice(credited.invoice);
        onCredited(credited.creditNote);
      }
    } catch (failure) {
      errors.show(failure, names);
    }
  };
  return (
    <Dialog
      open
      broad={!everything}
      onClose={onClose}
      title={`Credit ${number}`}
      text="A credit note gets a number of its own and cannot be changed any more."
    >
      <Form errors={errors} onSubmit={() => void credit()}>
        <fieldset className="stack choices">
          <legend className="only-read-aloud">What is credited</legend>
          <Choice name="Everything that is left" checked={everything} onChoose={() => setEverything(true)} />
          {rows.length > 0 && (
            <Choice name="Some lines" checked={!everything} onChoose={() => setEverything(false)} />
          )}
        </fieldset>
        {!everything && (
          <ul className="credit-rows">
            {rows.map((row, at) => (
              <Row key={row.line.id} at={at} row={row} currencyCode={currencyCode} onChange={(part) => change(at, part)} />
            ))}
          </ul>
        )}
        <TextArea label="Reason" name="reason" optional rows={2} value={reason} onValue={setReason} />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={action.busy}>
            {action.waiting ? "Waiting for the server…" : "Issue credit note"}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function Choice({ name, checked, onChoose }: { name: string; checked: boolean; onChoose: () => void }) {
  return (
    <label className="check">
      <input type="radio" name="credit-what" checked={checked} onChange={onChoose} />
      <span>{name}</span>
    </label>
  );
}

interface RowProps {
  at: number;
  row: CreditRow;
  currencyCode: string;
  onChange: (part: Partial<CreditRow>) => void;
}

function Row({ at, row: { line, unit, value }, currencyCode, onChange }: RowProps) {
  const { quantity, creditedQuantity, unitCode, creditableMinor } = line;
  const units = `${formatDecimal(quantity)} ${unitName(unitCode, quantity)}`;
  const credited = creditedQuantity === "" ? "" : `, ${formatDecimal(creditedQuantity)} credited`;
  return (
    <li>
      <div>
        <strong>{line.description}</strong>
        <span className="under">
          {formatMinor(creditableMinor, currencyCode)} left · {units}
          {credited}
        </span>
      </div>
      <TextField
        label={`How much of ${line.description}`}
        hideLabel
        name={rowName(at)}
        inputMode="decimal"
        value={value}
        onValue={(typed) => onChange({ value: typed })}
      />
      <SelectField
        label={`Unit for ${line.description}`}
        hideLabel
        name={`unit[${at}]`}
        value={unit}
        onValue={(chosen) => onChange({ unit: chosen === "quantity" ? "quantity" : "amount" })}
      >
        <option value="amount">{currencyCode}</option>
        <option value="quantity">{UNITS[unitCode] ?? unitCode}</option>
      </SelectField>
    </li>
  );
}
