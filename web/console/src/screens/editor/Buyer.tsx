import { useQuery } from "@connectrpc/connect-query";
import { CustomerService, type Customer } from "@invoice-app/client/services";
import { Link } from "react-router";
import { Button } from "../../components/Button.js";
import { PartyFields } from "../../forms/PartyFields.js";
import { isBlankParty, partyToForm, sameParty } from "../../forms/party.js";
import { CustomerPicker } from "./CustomerPicker.js";
import type { DraftForm } from "./draft.js";

interface BuyerProps {
  form: DraftForm;
  change: (part: Partial<DraftForm>) => void;
}

/** Who is asked for the money. */
export function Buyer({ form, change }: BuyerProps) {
  return (
    <section className="card stack" aria-labelledby="buyer-title">
      <h2 id="buyer-title">Customer</h2>
      <CustomerPicker onChoose={(customer) => change(forCustomer(customer))} />
      {form.customerId !== "" && <Chosen form={form} change={change} />}
      <PartyFields path="invoice.buyer" party={form.buyer} onChange={(buyer) => change({ buyer })} />
    </section>
  );
}

/** What a draft takes from the customer that was chosen for it. */
function forCustomer({ id, party, currencyCode, paymentTermsDays }: Customer): Partial<DraftForm> {
  return {
    customerId: id,
    buyer: partyToForm(party),
    ...(currencyCode !== "" && { currencyCode }),
    ...(paymentTermsDays !== undefined && { paymentTermsDays: String(paymentTermsDays), dueDate: "" }),
  };
}

/** Whose draft it is, and whether it says what the customer says. */
function Chosen({ form: { customerId, buyer }, change }: BuyerProps) {
  const { data: customer, isError } = useQuery(CustomerService.method.getCustomer, { customerId });
  if (customer === undefined && !isError) {
    return null;
  }
  const follows = customer !== undefined && (isBlankParty(buyer) || sameParty(buyer, partyToForm(customer.party)));
  return (
    <div className="notice">
      <p>
        {customer === undefined ? (
          "The customer of this draft cannot be found. It may have been deleted."
        ) : (
          <>
            For <Link to={`/customers/${customer.id}`}>{customer.party?.name || "a customer without a name"}</Link>.{" "}
            {follows
              ? "Until it is issued, the draft changes with the customer."
              : "What is written below is for this invoice alone."}
          </>
        )}
      </p>
      <div className="row">
        {customer !== undefined && !follows && (
          <Button small onClick={() => change({ buyer: partyToForm(customer.party) })}>
            Take the customer’s
          </Button>
        )}
        <Button small onClick={() => change({ customerId: "" })}>
          Remove
        </Button>
      </div>
    </div>
  );
}
