import { expect, test } from "vitest";
import { placeViolations, renamed } from "../src/forms/violations.js";

const violation = (field: string, reason = "FIELD_REQUIRED") => ({ field, reason, description: "" });
const inputs = [
  "invoice.currency_code",
  "invoice.lines[1].description",
  "invoice.lines[1].quantity",
  "invoice.lines[10].description",
  "invoice.buyer.name",
];
const place = (...fields: string[]) =>
  placeViolations(fields.map((field) => violation(field)), inputs, ({ reason }) => reason);

test("a violation is shown at the input of its path", () => {
  const { atInput, elsewhere } = place("invoice.lines[1].quantity");
  expect([...atInput]).toEqual([["invoice.lines[1].quantity", ["FIELD_REQUIRED"]]]);
  expect(elsewhere).toEqual([]);
});

test("what has no input of its own is shown at the first input below it", () => {
  expect([...place("invoice.lines[1]").atInput.keys()]).toEqual(["invoice.lines[1].description"]);
  expect([...place("invoice.buyer").atInput.keys()]).toEqual(["invoice.buyer.name"]);
});

test("the tenth line is not below the first", () => {
  expect(place("invoice.lines[10]").atInput.has("invoice.lines[10].description")).toBe(true);
  expect(place("invoice.lines[1]").atInput.has("invoice.lines[10].description")).toBe(false);
});

test("what belongs to no input is kept for the summary", () => {
  expect(place("invoice.metadata").elsewhere).toEqual([violation("invoice.metadata")]);
});

test("the same text is not said twice at one input", () => {
  const twice = place("invoice.buyer.name", "invoice.buyer");
  expect(twice.atInput.get("invoice.buyer.name")).toEqual(["FIELD_REQUIRED"]);
});

test("paths of another message move to the inputs that show them", () => {
  const moved = renamed([violation("issue_date"), violation("series")], { issue_date: "invoice.issue_date" });
  expect(moved.map(({ field }) => field)).toEqual(["invoice.issue_date", "series"]);
});
