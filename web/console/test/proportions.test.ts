import { expect, test } from "vitest";
import { proportions } from "../src/screens/invoices/proportions.js";

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

test("shares fill the length, in proportion", () => {
  expect(proportions([100n, 300n], 1000)).toEqual([250, 750]);
  expect(sum(proportions([1n, 1n, 1n], 1000))).toBe(1000);
});

test("amounts beyond what a float holds are shared exactly", () => {
  expect(proportions([9007199254740993n, 9007199254740993n], 10)).toEqual([5, 5]);
});

test("what is small stays visible, and nothing is shown of nothing", () => {
  const shares = proportions([1n, 10n ** 15n, 0n], 100);
  expect(shares).toEqual([1, 99, 0]);
  expect(proportions([0n, 0n], 100)).toEqual([0, 0]);
});
