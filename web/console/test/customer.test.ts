import { create } from "@bufbuild/protobuf";
import { invoice as pb } from "@invoice-app/client";
import { CustomerSchema } from "@invoice-app/client/services";
import { expect, test } from "vitest";
import { BLANK_PARTY } from "../src/forms/party.js";
import { customerToForm, readCustomer } from "../src/screens/customers/customer.js";
import { blankDraft, withBuyer } from "../src/screens/editor/draft.js";

const party = { name: "Grace & Söhne", email: "grace@example.com", address: { countryCode: "DE", city: "Köln" } };

test("a stored customer goes through the form unchanged", () => {
  const stored = create(CustomerSchema, { party, currencyCode: "CHF", paymentTermsDays: 0, note: "Rings twice\n" });
  const { customer, violations } = readCustomer(customerToForm(stored), "en-GB");
  expect(violations).toEqual([]);
  expect(create(CustomerSchema, customer)).toEqual(stored);
});

test("terms that cannot be read are said at their input", () => {
  const form = { ...customerToForm(undefined), paymentTermsDays: "soon" };
  expect(readCustomer(form, "en-GB").violations).toMatchObject([{ field: "customer.payment_terms_days" }]);
});

test("a draft of a customer shows the party that the server gave it, and none that was typed is replaced", () => {
  const saved = create(pb.InvoiceSchema, { buyer: party });
  const form = { ...blankDraft(), customerId: "cus_1" };
  expect(withBuyer(form, saved).buyer.name).toBe("Grace & Söhne");
  const typed = { ...form, buyer: { ...BLANK_PARTY, name: "Somebody else" } };
  expect(withBuyer(typed, saved)).toEqual(typed);
  expect(withBuyer(blankDraft(), saved).buyer).toEqual(BLANK_PARTY);
});
