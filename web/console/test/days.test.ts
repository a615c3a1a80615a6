import { expect, test } from "vitest";
import { formatDay, fromToday, todayHere } from "../src/text/days.js";

test("a day is written as its locale does, whatever the time zone of the machine", () => {
  expect(formatDay("2026-03-02", "en-GB")).toBe("2 Mar 2026");
  expect(formatDay("2026-03-02", "de-DE")).toBe("02.03.2026");
  expect(formatDay("", "en-GB")).toBe("");
});

test("how far a day is away is said in words", () => {
  expect(fromToday("2026-03-02", "2026-03-02", "en")).toBe("today");
  expect(fromToday("2026-03-05", "2026-03-02", "en")).toBe("in 3 days");
  expect(fromToday("2026-02-25", "2026-03-02", "en")).toBe("5 days ago");
});

test("a change of the clock does not lose a day", () => {
  expect(fromToday("2026-03-30", "2026-03-28", "en")).toBe("in 2 days");
});

test("today is the day of this machine's calendar", () => {
  expect(todayHere(new Date(2026, 0, 5, 23, 59))).toBe("2026-01-05");
});
