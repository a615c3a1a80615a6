import type { ReactNode } from "react";
import { Icon } from "../../components/Icon.js";
import { CheckField, SelectField, TextArea, TextField } from "../../forms/Field.js";
import { currencies } from "../../text/codes.js";
import type { DraftForm } from "./draft.js";

interface PartProps {
  form: DraftForm;
  change: (part: Partial<DraftForm>) => void;
}

/** Days, currency, and how prices are meant. */
export function Terms({ form, change }: PartProps) {
  return (
    <section className="card stack" aria-labelledby="terms-title">
      <h2 id="terms-title">Terms</h2>
      <div className="form-grid">
        <TextField
          label="Day of issue"
          name="invoice.issue_date"
          type="date"
          hint="Blank: the day you issue it."
          value={form.issueDate}
          onValue={(issueDate) => change({ issueDate })}
        />
        <TextField
          label="Payment terms in days"
          name="invoice.payment_terms_days"
          inputMode="numeric"
          value={form.paymentTermsDays}
          onValue={(paymentTermsDays) => change({ paymentTermsDays })}
        />
        <TextField
          label="Due date"
          name="invoice.due_date"
          type="date"
          hint="Blank: by the payment terms."
          value={form.dueDate}
          onValue={(dueDate) => change({ dueDate })}
        />
        <TextField
          label="Day of supply"
          name="invoice.supply_date"
          type="date"
          optional
          value={form.supplyDate}
          onValue={(supplyDate) => change({ supplyDate })}
        />
        <SelectField
          label="Currency"
          name="invoice.currency_code"
          value={form.currencyCode}
          onValue={(currencyCode) => change({ currencyCode })}
        >
          {currencies.map(({ code, name }) => (
            <option key={code} value={code}>
              {code} – {name}
            </option>
          ))}
        </SelectField>
      </div>
      <CheckField
        label="Prices include tax"
        name="invoice.prices_include_tax"
        checked={form.pricesIncludeTax}
        onChecked={(pricesIncludeTax) => change({ pricesIncludeTax })}
      />
    </section>
  );
}

export function Remarks({ form, change }: PartProps) {
  return (
    <section className="card stack" aria-labelledby="remarks-title">
      <h2 id="remarks-title">Remarks</h2>
      <div className="form-grid">
        <TextField
          label="Customer’s reference"
          name="invoice.buyer_reference"
          optional
          value={form.buyerReference}
          onValue={(buyerReference) => change({ buyerReference })}
        />
        <TextField
          label="Purchase order"
          name="invoice.purchase_order"
          optional
          value={form.purchaseOrder}
          onValue={(purchaseOrder) => change({ purchaseOrder })}
        />
      </div>
      <TextArea
        label="Text for the customer"
        name="invoice.note"
        optional
        rows={3}
        value={form.note}
        onValue={(note) => change({ note })}
      />
    </section>
  );
}

/** A part that is mostly left as it is. Its inputs exist while it is folded, so that violations find them. */
export function Folded(props: { title: string; text: string; open: boolean; children: ReactNode }) {
  return (
    <details className="card folded" open={props.open}>
      <summary>
        <Icon name="forward" />
        <div>
          <h2>{props.title}</h2>
          <p>{props.text}</p>
        </div>
      </summary>
      <div>{props.children}</div>
    </details>
  );
}
