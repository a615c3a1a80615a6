// Codes of the contract with the words that people know for them.

import { invoice as pb } from "@invoice-app/client";

export const TAXES: readonly { category: pb.TaxCategory; name: string }[] = [
  { category: pb.TaxCategory.STANDARD, name: "Taxed" },
  { category: pb.TaxCategory.ZERO, name: "Zero rate" },
  { category: pb.TaxCategory.EXEMPT, name: "Exempt" },
  { category: pb.TaxCategory.REVERSE_CHARGE, name: "Reverse charge" },
  { category: pb.TaxCategory.INTRA_COMMUNITY, name: "Within the EU" },
  { category: pb.TaxCategory.EXPORT, name: "Export" },
  { category: pb.TaxCategory.OUTSIDE_SCOPE, name: "Not taxable" },
];

export function taxName(category: pb.TaxCategory): string {
  return TAXES.find((tax) => tax.category === category)?.name ?? "No tax chosen";
}

/** UN/ECE Recommendation 20, what freelancers and small companies sell. */
export const UNITS: Readonly<Record<string, string>> = {
  ...{ C62: "pieces", HUR: "hours", DAY: "days", WEE: "weeks", MON: "months", ANN: "years", LS: "flat" },
  ...{ KGM: "kg", MTR: "m", MTK: "m²", MTQ: "m³", LTR: "l", KMT: "km", P1: "%" },
};

/** `1 hour`, `2 hours`; codes without a word stay codes. */
export function unitName(code: string, quantity: string): string {
  const name = UNITS[code] ?? code;
  return quantity === "1" ? name.replace(/(?<=[a-z]{2})s$/, "") : name;
}

/** ISO 3166-1 alpha-2. */
const COUNTRIES =
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD " +
  "CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF " +
  "GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN " +
  "KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA " +
  "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI " +
  "SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI " +
  "VN VU WF WS YE YT ZA ZM ZW";

export interface Choice {
  readonly code: string;
  readonly name: string;
}

export const countries: readonly Choice[] = named(COUNTRIES.split(" "), "region");

/** The currencies that most people invoice in, and then all others of this browser. */
export const currencies: readonly Choice[] = (() => {
  const first = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "CAD", "AUD", "JPY"];
  const others = Intl.supportedValuesOf("currency").filter((code) => !first.includes(code));
  return [...named(first, "currency", false), ...named(others, "currency")];
})();

export function countryName(code: string): string {
  return countries.find((country) => country.code === code)?.name ?? code;
}

function named(codes: readonly string[], type: "region" | "currency", sorted = true): Choice[] {
  const names = new Intl.DisplayNames(undefined, { type, fallback: "code" });
  const choices = codes.map((code) => ({ code, name: names.of(code) ?? code }));
  return sorted ? choices.sort((a, b) => a.name.localeCompare(b.name)) : choices;
}
