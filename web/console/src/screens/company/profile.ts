// The company's profile as a form has it.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { invoice as pb, type FieldViolation } from "@invoice-app/client";
import { Series_Reset, type Profile, type ProfileSchema } from "@invoice-app/client/services";
import { Reader } from "../../forms/decimals.js";
import { partyToForm, partyToMessage, type PartyForm } from "../../forms/party.js";

export interface SeriesForm {
  key: string;
  id: string;
  template: string;
  reset: Series_Reset;
  nextSequence: string;
  kind: pb.Invoice_Type;
}

export interface ProfileForm {
  seller: PartyForm;
  currencyCode: string;
  paymentTermsDays: string;
  timeZone: string;
  note: string;
  series: SeriesForm[];
}

/** Everything that the screen shows, as UpdateProfile names it. */
export const EDITED_FIELDS = ["seller", "currency_code", "payment_terms_days", "time_zone", "note", "series"];

export function profileToForm(profile: Profile): ProfileForm {
  const { seller, currencyCode, paymentTermsDays, timeZone, note, series } = profile;
  return {
    seller: partyToForm(seller),
    ...{ currencyCode, timeZone, note },
    paymentTermsDays: paymentTermsDays === undefined ? "" : String(paymentTermsDays),
    series: series.map(({ id, template, reset, nextSequence, kind }) => ({
      ...{ key: id, id, template, reset, kind },
      nextSequence: String(nextSequence),
    })),
  };
}

export function blankSeries(): SeriesForm {
  const looks = { id: "", template: "{YYYY}-{SEQ:4}", reset: Series_Reset.YEARLY, nextSequence: "1" };
  return { key: crypto.randomUUID(), ...looks, kind: pb.Invoice_Type.INVOICE };
}

export function readProfile(
  form: ProfileForm,
  locale?: string,
): { profile: MessageInitShape<typeof ProfileSchema>; violations: readonly FieldViolation[] } {
  const reader = new Reader(locale);
  const seller = partyToMessage(form.seller);
  const paymentTermsDays = reader.whole(form.paymentTermsDays, "profile.payment_terms_days");
  const series = form.series.map(({ id, template, reset, nextSequence, kind }, at) => ({
    ...{ id: id.trim(), template: template.trim(), reset, kind },
    // 0: as it is.
    nextSequence: BigInt(reader.whole(nextSequence, `profile.series[${at}].next_sequence`) ?? 0),
  }));
  const { currencyCode, timeZone, note } = form;
  const profile = {
    ...{ currencyCode, timeZone, note, series },
    ...(seller !== undefined && { seller }),
    ...(paymentTermsDays !== undefined && { paymentTermsDays }),
  };
  return { profile, violations: reader.violations };
}

/** Whether two forms say the same; the keys of their rows do not matter. */
export function sameProfile(one: ProfileForm, other: ProfileForm): boolean {
  const content = (form: ProfileForm) => JSON.stringify(form, (name, value: unknown) => (name === "key" ? "" : value));
  return content(one) === content(other);
}
