import { invoice as pb } from "@invoice-app/client";
import { expect, test } from "vitest";
import { listRequest, readAddress, writeAddress } from "../src/screens/invoices/listAddress.js";

test("an address that is read and written again is the same", () => {
  const search = "show=overdue&order=due&q=caf%C3%A9+20&customer=cus_1&page=abc";
  expect(writeAddress(readAddress(new URLSearchParams(search))).toString()).toBe(search);
});

test("what is at its default is left out of the address, and what is unknown counts as default", () => {
  expect(writeAddress(readAddress(new URLSearchParams("show=all&order=sideways"))).toString()).toBe("");
});

test("a view asks the server for its states", () => {
  const request = listRequest(readAddress(new URLSearchParams("show=closed&q=ann")));
  expect(request.filter).toMatchObject({
    states: [pb.Invoice_State.VOID, pb.Invoice_State.UNCOLLECTIBLE],
    query: "ann",
  });
  expect(listRequest(readAddress(new URLSearchParams("show=overdue"))).filter).toMatchObject({ overdueOnly: true });
});
