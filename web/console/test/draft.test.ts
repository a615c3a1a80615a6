import { create } from "@bufbuild/protobuf";
import { invoice as pb } from "@invoice-app/client";
import { expect, test } from "vitest";
import { blankAdjustment, blankDraft, blankLine, draftToForm, sameDraft } from "../src/screens/editor/draft.js";
import { readDraft } from "../src/screens/editor/readDraft.js";

const stored = create(pb.InvoiceSchema, {
  currencyCode: "EUR",
  issueDate: "2026-03-02",
  paymentTermsDays: 0,
  pricesIncludeTax: true,
  buyer: { name: "Grace & Söhne", address: { countryCode: "DE" } },
  lines: [
    {
      id: "lin_1",
      description: "Cable",
      quantity: "123456789.123456",
      unitCode: "MTR",
      unitPrice: "0.01146",
      priceBaseQuantity: "100",
      taxCategory: pb.TaxCategory.STANDARD,
      taxRate: "9.975",
      extraTaxes: [{ taxCategory: pb.TaxCategory.STANDARD, taxRate: "5" }],
      adjustments: [{ kind: pb.Adjustment_Kind.ALLOWANCE, value: { case: "percent", value: "2.5" }, reason: "Rest" }],
    },
  ],
  adjustments: [
    { kind: pb.Adjustment_Kind.CHARGE, value: { case: "amountMinor", value: 99_999_999_999_999n }, taxRate: "19" },
  ],
});

test.each(["en-GB", "de-DE", "de-CH", "fr-FR", "ar-EG"])("a stored draft goes through the form unchanged in %s", (locale) => {
  const { invoice, violations } = readDraft(draftToForm(stored, locale), locale);
  expect(violations).toEqual([]);
  expect(create(pb.InvoiceSchema, invoice)).toEqual(stored);
});

test("what was typed is read as its locale means it", () => {
  const form = { ...blankDraft(), lines: [{ ...blankLine(), quantity: "1.234,5", unitPrice: "0,99" }] };
  expect(readDraft(form, "de-DE").invoice.lines).toMatchObject([{ quantity: "1234.5", unitPrice: "0.99" }]);
  expect(readDraft(form, "en-GB").violations.map(({ field }) => field)).toEqual([
    "invoice.lines[0].quantity",
    "invoice.lines[0].unit_price",
  ]);
});

test("an amount beyond what a float holds is exact, and one with too many decimals is refused and not rounded", () => {
  const discount = { ...blankAdjustment(), unit: "amount" as const };
  const read = (value: string) => readDraft({ ...blankDraft(), adjustments: [{ ...discount, value }] }, "en-GB");
  expect(read("90071992547409.93").invoice.adjustments).toMatchObject([{ value: { value: 9007199254740993n } }]);
  expect(read("1.005").violations).toMatchObject([{ field: "invoice.adjustments[0].amount_minor" }]);
});

test("a line without tax has rate 0 and its reason, a taxed one has no reason", () => {
  const line = { ...blankLine(), taxRate: "19", exemptionReason: "Article 196" };
  const read = (taxCategory: pb.TaxCategory) =>
    readDraft({ ...blankDraft(), lines: [{ ...line, taxCategory }] }, "en-GB").invoice.lines?.[0];
  expect(read(pb.TaxCategory.REVERSE_CHARGE)).toMatchObject({ taxRate: "0", exemptionReason: "Article 196" });
  expect(read(pb.TaxCategory.STANDARD)).toMatchObject({ taxRate: "19", exemptionReason: "" });
});

test("blank parties are not sent, so that the server takes them from where they are known", () => {
  const { invoice } = readDraft(blankDraft(), "en-GB");
  expect(invoice).not.toHaveProperty("buyer");
  expect(invoice).not.toHaveProperty("seller");
});

test("drafts are the same when only the keys of their rows differ", () => {
  expect(sameDraft(blankDraft(), blankDraft())).toBe(true);
  expect(sameDraft(blankDraft(), { ...blankDraft(), note: "!" })).toBe(false);
});
