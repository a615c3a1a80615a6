// A company or person, as a form has it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { invoice as pb } from "@invoice-app/client";

export interface PartyForm {
  name: string;
  email: string;
  phone: string;
  taxId: string;
  legalId: string;
  line1: string;
  line2: string;
  city: string;
  postalCode: string;
  region: string;
  countryCode: string;
}

export const BLANK_PARTY: PartyForm = {
  ...{ name: "", email: "", phone: "", taxId: "", legalId: "" },
  ...{ line1: "", line2: "", city: "", postalCode: "", region: "", countryCode: "" },
};

export function partyToForm(party: pb.Party | undefined): PartyForm {
  const { name = "", email = "", phone = "", taxId = "", legalId = "", address } = party ?? {};
  const { line1 = "", line2 = "", city = "", postalCode = "", region = "", countryCode = "" } = address ?? {};
  return { name, email, phone, taxId, legalId, line1, line2, city, postalCode, region, countryCode };
}

/** undefined when nothing was filled in, so that the server takes the party from where it is known. */
export function partyToMessage(form: PartyForm): MessageInitShape<typeof pb.PartySchema> | undefined {
  if (isBlankParty(form)) {
    return undefined;
  }
  const { name, email, phone, taxId, legalId, ...address } = trimmed(form);
  return { name, email, phone, taxId, legalId, address };
}

export function isBlankParty(form: PartyForm): boolean {
  return Object.values(trimmed(form)).every((text) => text === "");
}

/** Whether two parties are the same to the server. */
export function sameParty(one: PartyForm, other: PartyForm): boolean {
  const others: Readonly<Record<string, string>> = { ...trimmed(other) };
  return Object.entries(trimmed(one)).every(([key, text]) => text === others[key]);
}

function trimmed(form: PartyForm): PartyForm {
  const entries = Object.entries(form).map(([key, text]) => [key, text.trim()]);
  return Object.fromEntries(entries) as unknown as PartyForm;
}
