// Between what people type and what the contract carries. No number here is ever a float.

import { decimalToMinor, minorToDecimal, parseDecimal, type FieldViolation } from "@invoice-app/client";

/** A decimal of the contract as one would type it: `1234.5` is `1234,5` in `de-DE`. */
export function decimalToTyped(decimal: string, locale?: string): string {
  return decimal.replace(".", decimalSign(locale));
}

/** An amount as one would type it: `(123450n, "EUR")` is `1234,50` in `de-DE`. */
export function minorToTyped(minor: bigint, currencyCode: string, locale?: string): string {
  return decimalToTyped(minorToDecimal(minor, currencyCode), locale);
}

/** Reads what was typed, and gathers what could not be read, as the server does: all of it at once, each at its path. */
export class Reader {
  readonly violations: FieldViolation[] = [];

  constructor(private readonly locale?: string) {}

  /** Blank stays blank, since a draft may be without. */
  decimal(typed: string, field: string): string {
    if (typed.trim() === "") {
      return "";
    }
    return parseDecimal(typed, this.locale) ?? this.#refuse(field, "DECIMAL_MALFORMED", "not a number", "");
  }

  /** undefined when blank or unreadable. */
  minor(typed: string, currencyCode: string, field: string): bigint | undefined {
    const decimal = this.decimal(typed, field);
    if (decimal === "") {
      return undefined;
    }
    try {
      return decimalToMinor(decimal, currencyCode);
    } catch {
      return this.#refuse(field, "AMOUNT_SCALE", `${currencyCode} has fewer decimals`, undefined);
    }
  }

  /** A whole number of days or the like; undefined when blank or unreadable. */
  whole(typed: string, field: string): number | undefined {
    const decimal = this.decimal(typed, field);
    if (decimal !== "" && !/^-?\d{1,9}$/.test(decimal)) {
      return this.#refuse(field, "WHOLE_MALFORMED", "please enter a whole number", undefined);
    }
    return decimal === "" ? undefined : Number.parseInt(decimal, 10);
  }

  #refuse<T>(field: string, reason: string, description: string, instead: T): T {
    this.violations.push({ field, reason, description });
    return instead;
  }
}

function decimalSign(locale?: string): string {
  return new Intl.NumberFormat(locale).formatToParts(1.5).find(({ type }) => type === "decimal")?.value ?? ".";
}
