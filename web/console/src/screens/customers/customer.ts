// A customer as a form has it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { FieldViolation } from "@invoice-app/client";
import type { Customer, CustomerSchema } from "@invoice-app/client/services";
import { Reader } from "../../forms/decimals.js";
import { BLANK_PARTY, partyToForm, partyToMessage, type PartyForm } from "../../forms/party.js";

export interface CustomerForm {
  party: PartyForm;
  currencyCode: string;
  paymentTermsDays: string;
  note: string;
}

/** Everything that the screen shows, as UpdateCustomer names it. */
export const EDITED_FIELDS = ["party", "currency_code", "payment_terms_days", "note"];

export function customerToForm(customer: Customer | undefined): CustomerForm {
  const { party, currencyCode = "", paymentTermsDays, note = "" } = customer ?? {};
  return {
    party: party === undefined ? BLANK_PARTY : partyToForm(party),
    ...{ currencyCode, note },
    paymentTermsDays: paymentTermsDays === undefined ? "" : String(paymentTermsDays),
  };
}

export function readCustomer(
  form: CustomerForm,
  locale?: string,
): { customer: MessageInitShape<typeof CustomerSchema>; violations: readonly FieldViolation[] } {
  const reader = new Reader(locale);
  const party = partyToMessage(form.party);
  const paymentTermsDays = reader.whole(form.paymentTermsDays, "customer.payment_terms_days");
  const customer = {
    ...{ currencyCode: form.currencyCode, note: form.note },
    ...(party !== undefined && { party }),
    ...(paymentTermsDays !== undefined && { paymentTermsDays }),
  };
  return { customer, violations: reader.violations };
}
