import { describe, expect, test } from "vitest";
import {
  compareDecimals,
  currencyExponent,
  decimalToMinor,
  formatDecimal,
  formatMinor,
  minorToDecimal,
  parseDecimal,
} from "../src/index.js";

/** The largest amount of the contract: 10^14 - 1. */
const LARGEST = 99_999_999_999_999n;

describe("amounts", () => {
  test("an amount becomes a decimal and the same amount again, whatever its size and currency", () => {
    for (const currency of ["EUR", "JPY", "KWD", "CLF"]) {
      for (const amount of [0n, 1n, -1n, 9n, 10n, 99n, 100n, -12345n, 9007199254740993n, LARGEST, -LARGEST]) {
        expect(decimalToMinor(minorToDecimal(amount, currency), currency)).toBe(amount);
      }
    }
  });

  test("decimals are placed where the currency has them", () => {
    expect(minorToDecimal(-5n, "EUR")).toBe("-0.05");
    expect(minorToDecimal(1234n, "JPY")).toBe("1234");
    expect(minorToDecimal(1234n, "KWD")).toBe("1.234");
    expect(minorToDecimal(12n, "CLF")).toBe("0.0012");
  });

  test("nothing is rounded: an amount with too many decimals is refused, zeros at its end are not", () => {
    expect(() => decimalToMinor("1.001", "EUR")).toThrow(RangeError);
    expect(() => decimalToMinor("1.5", "JPY")).toThrow(RangeError);
    expect(decimalToMinor("1.500", "EUR")).toBe(150n);
    expect(decimalToMinor("7.0", "JPY")).toBe(7n);
  });

  test("what is no decimal is refused", () => {
    for (const text of ["", " 1", "1,5", "1.", ".5", "1e3", "+1", "0x1", "NaN", "Infinity", "1_000", "--1"]) {
      expect(() => decimalToMinor(text, "EUR"), text).toThrow(RangeError);
    }
  });

  test("amounts beyond what a number holds are written with every digit", () => {
    expect(formatMinor(LARGEST, "EUR", "en-US")).toBe("€999,999,999,999.99");
    expect(formatMinor(900719925474099399n, "EUR", "en-US")).toBe("€9,007,199,254,740,993.99");
    expect(formatMinor(-123450n, "EUR", "de-DE")).toBe("-1.234,50\u00a0€");
    expect(formatMinor(1500n, "JPY", "en-US")).toBe("¥1,500");
  });

  test("a currency shows its ISO 4217 decimals although the platform's data say otherwise", () => {
    expect(currencyExponent("IQD")).toBe(3);
    expect(formatMinor(1234567n, "IQD", "en-US")).toMatch(/1,234\.567$/);
  });
});

describe("decimals", () => {
  test("what people type in their locale is read, and read the same in its shown form", () => {
    const typed: [string, string, string][] = [
      ["de-DE", "1.234,50", "1234.50"],
      ["de-DE", "1234,5", "1234.5"],
      ["en-US", "1,234.5", "1234.5"],
      ["de-CH", "1'234.5", "1234.5"],
      ["de-CH", "1’234.5", "1234.5"],
      ["fr-FR", "1 234,5", "1234.5"],
      ["fr-FR", "1\u202f234,5", "1234.5"],
      ["en-US", " -0012 ", "-12"],
      ["en-US", "\u22123", "-3"],
      ["en-IN", "12,34,567.5", "1234567.5"],
      ["hi-IN", "1,23,456", "123456"],
      ["es-ES", "1.234,5", "1234.5"],
      ["ar-EG", "١٬٢٣٤٫٥", "1234.5"],
      ["fa-IR", "۱۲۳۴٫۵", "1234.5"],
    ];
    for (const [locale, text, decimal] of typed) {
      expect(parseDecimal(text, locale), `${locale} ${text}`).toBe(decimal);
      expect(compareDecimals(parseDecimal(formatDecimal(decimal, locale), locale) ?? "?", decimal)).toBe(0);
    }
  });

  test("grouping in the wrong place is no number, so that a point of another locale is never dropped", () => {
    for (const [locale, text] of [
      ["de-DE", "1.5"],
      ["de-DE", "12.34,5"],
      ["de-DE", "0.500"],
      ["de-DE", "0.125"],
      ["de-DE", "1234.567"],
      ["en-IN", "1,234,567"],
      ["en-US", "1,5"],
      ["en-US", "1,23,456"],
      ["en-US", "1.2.3"],
      ["en-US", ""],
      ["en-US", "12a"],
      ["en-US", "1e5"],
    ] as const) {
      expect(parseDecimal(text, locale), `${locale} ${text}`).toBeUndefined();
    }
  });

  test("a decimal is shown with every digit", () => {
    expect(formatDecimal("0.01146", "de-DE")).toBe("0,01146");
    expect(formatDecimal("9999999999.12345678", "en-US")).toBe("9,999,999,999.12345678");
  });

  test("decimals are ordered by value and not by text", () => {
    expect(compareDecimals("10", "9.99999999")).toBe(1);
    expect(compareDecimals("-1", "-1.0")).toBe(0);
    expect(compareDecimals("-2", "1")).toBe(-1);
    expect(["3", "20", "-1", "0.5"].sort(compareDecimals)).toEqual(["-1", "0.5", "3", "20"]);
  });
});
