import { CallError } from "@invoice-app/client";
import { CustomerService, InvoiceService, type Customer } from "@invoice-app/client/services";
import { useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";
import { askAgain, refreshLists } from "../../api/cache.js";
import { customers } from "../../api/services.js";
import { useAction } from "../../api/useAction.js";
import { useLeaveGuard } from "../../app/useLeaveGuard.js";
import { Button } from "../../components/Button.js";
import { ConfirmDialog } from "../../components/ConfirmDialog.js";
import { LeaveDialog } from "../../components/LeaveDialog.js";
import { useToast } from "../../components/Toasts.js";
import { SelectField, TextArea, TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { PartyFields } from "../../forms/PartyFields.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { currencies } from "../../text/codes.js";
import { customerToForm, EDITED_FIELDS, readCustomer, type CustomerForm } from "./customer.js";

/** `latest`: undefined for a new one. */
export function CustomerEditor({ latest }: { latest: Customer | undefined }) {
  const [customer, setCustomer] = useState(latest);
  const [form, setForm] = useState(() => customerToForm(latest));
  const [leaveTo, setLeaveTo] = useState<string>();
  const [isDeleting, setDeleting] = useState(false);
  const isDirty = JSON.stringify(form) !== JSON.stringify(customerToForm(customer));
  const change = (part: Partial<CustomerForm>) => setForm((current) => ({ ...current, ...part }));
  const errors = useFormErrors();
  const action = useAction();
  const toast = useToast();
  const navigate = useNavigate();
  const guard = useLeaveGuard(isDirty && leaveTo === undefined, () => false);
  useEffect(() => {
    if (leaveTo !== undefined) {
      void navigate(leaveTo);
    }
  }, [leaveTo, navigate]);

  const save = async (): Promise<Customer | undefined> => {
    const { customer: typed, violations } = readCustomer(form);
    if (violations.length > 0) {
      errors.showViolations(violations);
      return undefined;
    }
    try {
      const saved = await action.run((requestId, signal) =>
        customer === undefined
          ? customers.createCustomer({ customer: typed, requestId }, { signal })
          : customers.updateCustomer(
              {
                customer: { ...typed, id: customer.id, etag: customer.etag },
                updateMask: { paths: EDITED_FIELDS },
                requestId,
              },
              { signal },
            ),
      );
      errors.clear();
      askAgain(CustomerService.method.listCustomers);
      // Drafts follow their customer.
      refreshLists();
      askAgain(InvoiceService.method.getInvoice);
      return saved;
    } catch (failure) {
      if (customer !== undefined && CallError.from(failure).reason === "ETAG_MISMATCH") {
        // Somebody else was faster: what is typed stays, and the next save is over theirs.
        setCustomer(await customers.getCustomer({ customerId: customer.id }));
      }
      errors.show(failure);
      return undefined;
    }
  };
  const saveAndClose = async () => {
    if ((await save()) !== undefined) {
      toast("Customer saved.");
      setLeaveTo("/customers");
    }
  };

  return (
    <Form errors={errors} label="Customer" onSubmit={() => void saveAndClose()}>
      <section className="card stack" aria-label="Who">
        <PartyFields path="customer.party" party={form.party} onChange={(party) => change({ party })} />
      </section>
      <section className="card stack" aria-labelledby="customer-drafts">
        <h2 id="customer-drafts">For drafts to this customer</h2>
        <div className="form-grid">
          <SelectField
            label="Currency"
            name="customer.currency_code"
            value={form.currencyCode}
            onValue={(currencyCode) => change({ currencyCode })}
          >
            <option value="">As the company’s</option>
            {currencies.map(({ code, name }) => (
              <option key={code} value={code}>
                {code} – {name}
              </option>
            ))}
          </SelectField>
          <TextField
            label="Payment terms in days"
            name="customer.payment_terms_days"
            inputMode="numeric"
            optional
            value={form.paymentTermsDays}
            onValue={(paymentTermsDays) => change({ paymentTermsDays })}
          />
        </div>
        <TextArea
          label="Note for yourself"
          name="customer.note"
          optional
          rows={2}
          value={form.note}
          onValue={(note) => change({ note })}
        />
      </section>
      <div className="row">
        <Button type="submit" kind="primary" busy={action.busy}>
          {action.waiting ? "Waiting for the server…" : "Save"}
        </Button>
        {customer !== undefined && (
          <>
            <Link className="button" to={`/invoices?customer=${customer.id}`}>
              Invoices
            </Link>
            <Button kind="quiet" icon="trash" onClick={() => setDeleting(true)}>
              Delete…
            </Button>
          </>
        )}
      </div>
      {customer !== undefined && (
        <ConfirmDialog
          open={isDeleting}
          onClose={() => setDeleting(false)}
          title="Delete this customer?"
          text="Invoices keep what they say of the customer."
          verb="Delete customer"
          danger
          act={async (_, signal) => {
            await customers.deleteCustomer({ customerId: customer.id, etag: customer.etag }, { signal });
            askAgain(CustomerService.method.listCustomers);
            toast("Customer deleted.");
            setLeaveTo("/customers");
          }}
        />
      )}
      <LeaveDialog
        blocker={guard}
        save={save}
        leave={({ pathname, search }) => setLeaveTo(pathname + search)}
        busy={action.busy}
      />
    </Form>
  );
}
