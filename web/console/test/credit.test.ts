import { create } from "@bufbuild/protobuf";
import { invoice as pb } from "@invoice-app/client";
import { expect, test } from "vitest";
import { creditRows, readCredit } from "../src/screens/invoice/credit.js";
import { possible } from "../src/screens/invoice/possible.js";

const invoice = create(pb.InvoiceSchema, {
  currencyCode: "EUR",
  lines: [
    { id: "lin_1", creditableMinor: 10000n },
    { id: "lin_2", creditableMinor: 0n },
    { id: "lin_3", creditableMinor: 500n },
  ],
});

test("only lines of which something is left are offered", () => {
  expect(creditRows(invoice).map(({ line }) => line.id)).toEqual(["lin_1", "lin_3"]);
});

test("what is filled in is asked for, and the server's paths lead to its input", () => {
  const [first, third] = creditRows(invoice);
  const rows = [first!, { ...third!, value: "1.5", unit: "quantity" as const }];
  const { lines, names, violations } = readCredit(rows, "EUR", "en-GB");
  expect(lines).toEqual([{ lineId: "lin_3", extent: { case: "quantity", value: "1.5" } }]);
  expect(names["lines[0].quantity"]).toBe("row[1]");
  expect(violations).toEqual([]);
});

test("an amount that cannot be read is refused at its input", () => {
  const [first] = creditRows(invoice);
  const read = (value: string) => readCredit([{ ...first!, value }], "EUR", "en-GB").violations;
  expect(read("1.234").map(({ field }) => field)).toEqual(["row[0]"]);
  expect(read("12.34")).toEqual([]);
});

test("what is left after every line is credited, such as freight, can be credited too", () => {
  const all = create(pb.InvoiceSchema, {
    type: pb.Invoice_Type.INVOICE,
    state: pb.Invoice_State.OPEN,
    totals: { grossMinor: 13070n, creditedMinor: 12000n },
    lines: [{ id: "lin_1", creditableMinor: 0n }],
  });
  expect(possible(all).credit).toBe(true);
  const done = { ...all, totals: { ...all.totals!, creditedMinor: 13070n } };
  expect(possible(done).credit).toBe(false);
});
