// An invoice whose figures were worked out by hand: three tax groups and a document discount of
// 10.00 that is spread over them by largest remainder (5.45 + 2.73 + 1.82).

/** The draft, as a client sends it. */
export const draft = {
  currencyCode: "EUR",
  issueDate: "2026-03-02",
  dueDate: "2026-04-01",
  buyer: { name: "Grace & Söhne", address: { countryCode: "DE" } },
  lines: [
    { description: "Day of work", quantity: "1", unitPrice: "100", taxCategory: "TAX_CATEGORY_STANDARD", taxRate: "20" },
    { description: "Books", quantity: "2", unitPrice: "25.00", taxCategory: "TAX_CATEGORY_STANDARD", taxRate: "10" },
    { description: "Stamps", quantity: "3", unitPrice: "11.11", taxCategory: "TAX_CATEGORY_ZERO", taxRate: "0" },
  ],
  adjustments: [{ kind: "KIND_ALLOWANCE", amountMinor: "1000", reason: "Good customer" }],
};

/** Its totals, in minor units. Protobuf JSON leaves zeros out. */
export const draftTotals = {
  linesNetMinor: "18333",
  allowancesMinor: "1000",
  netMinor: "17333",
  taxMinor: "2364",
  grossMinor: "19697",
  remainingMinor: "19697",
};

/** Its tax groups, in the order of category and rate. */
export const draftTaxBreakdown = [
  { taxCategory: "TAX_CATEGORY_STANDARD", taxRate: "10", taxableMinor: "4727", taxMinor: "473" },
  { taxCategory: "TAX_CATEGORY_STANDARD", taxRate: "20", taxableMinor: "9455", taxMinor: "1891" },
  { taxCategory: "TAX_CATEGORY_ZERO", taxRate: "0", taxableMinor: "3151" },
];
