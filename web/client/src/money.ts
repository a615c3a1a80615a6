// Amounts and decimals without floating point. The server computes; this only reads and shows.

/** Currencies whose minor unit is not a hundredth (ISO 4217:2015, list one). */
const EXPONENTS: Readonly<Record<string, number>> = {
  ...{ BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0 },
  ...{ UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0 },
  ...{ BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3 },
  ...{ CLF: 4, UYW: 4 },
};

/** Digits after the point of an amount in a currency: EUR 2, JPY 0, KWD 3. */
export function currencyExponent(currencyCode: string): number {
  return EXPONENTS[currencyCode] ?? 2;
}

/** An amount in minor units as a plain decimal: `(-123n, "EUR")` is `-1.23`. */
export function minorToDecimal(minor: bigint, currencyCode: string): string {
  const exponent = currencyExponent(currencyCode);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, "0");
  const sign = minor < 0n ? "-" : "";
  return exponent === 0 ? sign + digits : `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * A plain decimal as an amount in minor units: `("1.2", "EUR")` is `120n`.
 *
 * @throws RangeError for what is no decimal, and for one with more digits than the currency has: nothing is rounded.
 */
export function decimalToMinor(decimal: string, currencyCode: string): bigint {
  const exponent = currencyExponent(currencyCode);
  const [, sign = "", whole = "", fraction = ""] = DECIMAL.exec(decimal) ?? refuse(decimal);
  const kept = fraction.replace(/0+$/, "");
  if (kept.length > exponent) {
    throw new RangeError(`${decimal} has more than ${exponent} decimals, which is all that ${currencyCode} has`);
  }
  const minor = BigInt(whole + kept.padEnd(exponent, "0"));
  return sign === "-" ? -minor : minor;
}

/** An amount as people of a locale write it: `(123450n, "EUR", "de-DE")` is `1.234,50 €`. Exact at any size. */
export function formatMinor(minor: bigint, currencyCode: string, locale?: string): string {
  const exponent = currencyExponent(currencyCode);
  return new Intl.NumberFormat(locale, {
    style: "currency",
    currency: currencyCode,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  }).format(minorToDecimal(minor, currencyCode) as Intl.StringNumericLiteral);
}

/** A quantity, price or rate of the contract as people of a locale write it, with every digit: `1234.5` is `1.234,5`. */
export function formatDecimal(decimal: string, locale?: string): string {
  if (!DECIMAL.test(decimal)) {
    refuse(decimal);
  }
  const digits = { maximumFractionDigits: 20 };
  return new Intl.NumberFormat(locale, digits).format(decimal as Intl.StringNumericLiteral);
}

/**
 * What a person typed as a decimal of the contract: in `de-DE`, `1.234,50` is `1234.50`. Grouping is optional but must
 * be what the locale would write, so that `1.5` is never read as 15, nor `0.500` as 500.
 *
 * @returns undefined for what is no number in the locale.
 */
export function parseDecimal(typed: string, locale?: string): string | undefined {
  const { group, point, digits } = signs(locale);
  const text = [...plain(typed).trim()].map((character) => digits.get(character) ?? character).join("");
  const [matched, sign = "", written = "", fraction] =
    new RegExp(`^(-?)(\\d[\\d${quoted(group)}]*)(?:${quoted(point)}(\\d+))?$`).exec(text) ?? [];
  if (matched === undefined) {
    return undefined;
  }
  const whole = (group === "" ? written : written.replaceAll(group, "")).replace(/^0+(?=\d)/, "");
  const isGrouped = group !== "" && written.includes(group);
  if (isGrouped && written !== grouped(whole, locale, digits)) {
    return undefined;
  }
  return sign + whole + (fraction === undefined ? "" : `.${fraction}`);
}

/** Orders decimals of the contract by value: below 0 when `a` is smaller, 0 when they are equal. */
export function compareDecimals(a: string, b: string): number {
  const places = Math.max(fractionOf(a).length, fractionOf(b).length);
  const difference = scaled(a, places) - scaled(b, places);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

function refuse(text: string): never {
  throw new RangeError(`not a decimal: ${JSON.stringify(text)}`);
}

function fractionOf(decimal: string): string {
  const [, , , fraction = ""] = DECIMAL.exec(decimal) ?? refuse(decimal);
  return fraction;
}

function scaled(decimal: string, places: number): bigint {
  const [, sign = "", whole = "", fraction = ""] = DECIMAL.exec(decimal) ?? refuse(decimal);
  const size = BigInt(whole + fraction.padEnd(places, "0"));
  return sign === "-" ? -size : size;
}

/** How a locale writes numbers, and what its digits are in ASCII. */
function signs(locale?: string): { group: string; point: string; digits: Map<string, string> } {
  const parts = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(-1234567.5);
  const value = (type: string) => plain(parts.find((part) => part.type === type)?.value ?? "");
  const native = [...new Intl.NumberFormat(locale, { useGrouping: false }).format(9876543210)];
  const digits = new Map(native.map((digit, position) => [digit, String(9 - position)]));
  return { group: value("group"), point: value("decimal") || ".", digits };
}

/** A whole number as the locale groups it, in ASCII digits. */
function grouped(whole: string, locale: string | undefined, digits: Map<string, string>): string {
  const text = new Intl.NumberFormat(locale, { useGrouping: "always" }).format(whole as Intl.StringNumericLiteral);
  return [...plain(text)].map((character) => digits.get(character) ?? character).join("");
}

/** Blanks, apostrophes and minus signs of all kinds as those of a keyboard; marks of writing direction left out. */
function plain(text: string): string {
  return text
    .replace(/[\u200e\u200f\u061c]/g, "")
    .replace(/[\u00a0\u202f]/g, " ")
    .replace(/[\u2212\u2013]/g, "-")
    .replaceAll("\u2019", "'");
}

/** For a regular expression, inside of brackets too. */
function quoted(text: string): string {
  return text.replace(/[-.*+?^${}()|[\]\\]/g, "\\$&");
}
