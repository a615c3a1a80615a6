import { formatMinor, type invoice as pb } from "@invoice-app/client";
import { useState } from "react";
import { rememberInvoice } from "../../api/cache.js";
import { useAction } from "../../api/useAction.js";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { Dialog } from "../../components/Dialog.js";
import { minorToTyped, Reader } from "../../forms/decimals.js";
import { CheckField, TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { todayHere } from "../../text/days.js";

interface PaymentDialogProps {
  invoice: pb.Invoice;
  onClose: () => void;
  onRecorded: (invoice: pb.Invoice) => void;
}

/** Records money that was received: all that remains, unless another amount is typed. */
export function PaymentDialog({ invoice, onClose, onRecorded }: PaymentDialogProps) {
  const { id: invoiceId, etag, currencyCode } = invoice;
  const remaining = invoice.totals?.remainingMinor ?? 0n;
  const [amount, setAmount] = useState(minorToTyped(remaining, currencyCode));
  const [paidOn, setPaidOn] = useState(todayHere());
  const [method, setMethod] = useState("Bank transfer");
  const [reference, setReference] = useState("");
  const [allowOverpayment, setAllowOverpayment] = useState(false);
  const errors = useFormErrors();
  const action = useAction();
  const record = async () => {
    const reader = new Reader();
    const amountMinor = reader.minor(amount, currencyCode, "amount_minor");
    if (reader.violations.length > 0) {
      errors.showViolations(reader.violations);
      return;
    }
    const content = { invoiceId, etag, allowOverpayment, paidOn, method: method.trim(), reference: reference.trim() };
    try {
      const paid = await action.run((requestId, signal) =>
        product.invoices.recordPayment(
          { ...content, requestId, ...(amountMinor !== undefined && { amountMinor }) },
          { signal },
        ),
      );
      if (paid !== undefined) {
        rememberInvoice(paid);
        onRecorded(paid);
      }
    } catch (failure) {
      errors.show(failure);
    }
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Record a payment"
      text={`${formatMinor(remaining, currencyCode)} remain to be paid.`}
    >
      <Form errors={errors} onSubmit={() => void record()}>
        <div className="form-grid">
          <TextField
            label={`Amount in ${currencyCode}`}
            name="amount_minor"
            inputMode="decimal"
            value={amount}
            onValue={setAmount}
            onFocus={(event) => event.target.select()}
          />
          <TextField label="Paid on" name="paid_on" type="date" value={paidOn} onValue={setPaidOn} />
          <TextField label="Method" name="method" optional value={method} onValue={setMethod} />
          <TextField label="Reference" name="reference" optional value={reference} onValue={setReference} />
        </div>
        <CheckField
          label="It may be more than what remains"
          name="allow_overpayment"
          checked={allowOverpayment}
          onChecked={setAllowOverpayment}
        />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={action.busy}>
            {action.waiting ? "Waiting for the server…" : "Record payment"}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
