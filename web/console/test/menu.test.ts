import { expect, test } from "vitest";
import { nextItem } from "../src/components/ActionMenu.js";

const names = ["Duplicate", "Print", "Void…", "Delete draft…"];

test("arrows go round, Home and End go to the ends", () => {
  expect(nextItem("ArrowDown", 3, names)).toBe(0);
  expect(nextItem("ArrowUp", 0, names)).toBe(3);
  expect(nextItem("Home", 2, names)).toBe(0);
  expect(nextItem("End", 0, names)).toBe(3);
});

test("a letter goes to the next name that begins with it", () => {
  expect(nextItem("d", 0, names)).toBe(3);
  expect(nextItem("D", 3, names)).toBe(0);
  expect(nextItem("x", 0, names)).toBeUndefined();
  expect(nextItem("Enter", 0, names)).toBeUndefined();
});
