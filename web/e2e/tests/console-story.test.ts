// The whole story in the console: from the registration to the credit note.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { newAccount } from "./account.js";
import { button, confirm, errorAt, input, newInvoice, openStage, register, saveDraft, totalIs } from "./console.js";
import { typeBuyerAndLine, typeDraft, typeLine, type Stage } from "./console.js";

let stage: Stage;

before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

const choose = async (page: Page, action: string) => {
  await button(page, "More actions").click();
  await page.getByRole("menuitem", { name: action }).click();
};
const stateIs = (page: Page, name: string) => page.locator(".page-head .badge", { hasText: name }).waitFor();
const remains = (page: Page, amount: string) => page.locator(".due-figure", { hasText: amount }).waitFor();

describe("the console", () => {
  test("a person registers, says who they are, writes, issues, is paid, gives credit and signs out", async () => {
    const page = await register(await stage.visit(), newAccount());

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Company" }).click();
    await input(page, "profile.seller.name").fill("Ada’s workshop");
    await input(page, "profile.seller.address.country_code").selectOption("GB");
    await input(page, "profile.payment_terms_days").fill("30");
    await input(page, "profile.series[0].template").fill("no count");
    await button(page, "Save").click();
    assert.match(await errorAt(page, "profile.series[0].template"), /\{SEQ\}/);
    await input(page, "profile.series[0].template").fill("AW-{YYYY}-{SEQ:3}");
    await button(page, "Save").click();
    await page.getByText("Company saved.").waitFor();

    await typeBuyerAndLine(page, "Grace & Söhne");
    assert.equal(await input(page, "invoice.payment_terms_days").inputValue(), "30");
    await totalIs(page, "€238.00");
    await button(page, "Issue…").click();
    await confirm(page, "Issue invoice");
    await page.getByRole("heading", { name: /^AW-\d{4}-001$/ }).waitFor();
    await page.getByText("Ada’s workshop").first().waitFor();
    await stateIs(page, "Open");

    await button(page, "Record payment").click();
    await page.getByLabel("Amount in EUR").fill("100");
    await confirm(page, "Record payment");
    await stateIs(page, "Partly paid");
    await remains(page, "€138.00");

    await button(page, "Record payment").click();
    assert.equal(await page.getByLabel("Amount in EUR").inputValue(), "138.00");
    await confirm(page, "Record payment");
    await stateIs(page, "Paid");
    await remains(page, "€0.00");

    await choose(page, "Credit note…");
    await page.getByLabel("Some lines").check();
    await page.getByLabel("How much of Design").fill("0.5");
    await page.getByLabel("Unit for Design").selectOption("quantity");
    await page.getByLabel("Reason").fill("Half a day less");
    await confirm(page, "Issue credit note");
    await page.getByRole("link", { name: /^CN-\d{4}-0001$/ }).click();
    await page.getByRole("heading", { name: /^CN-\d{4}-0001$/ }).waitFor();
    await page.locator(".total-strong", { hasText: "€47.60" }).waitFor();

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Invoices" }).click();
    await button(page, "Credit notes").click();
    await page.getByRole("row", { name: /AW-/ }).waitFor({ state: "detached" });
    await page.getByRole("row", { name: /CN-/ }).waitFor();
    await button(page, "Sign out").click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  test("a bounced payment, a lost invoice, a copy and a draft that nobody needs", async () => {
    const page = await register(await stage.visit(), newAccount());
    await typeDraft(page);
    await button(page, "Issue…").click();
    await confirm(page, "Issue invoice");
    await button(page, "Record payment").click();
    await confirm(page, "Record payment");
    await stateIs(page, "Paid");
    await button(page, "Reverse").click();
    await confirm(page, "Reverse payment");
    await page.getByText("Please fill this in.").waitFor();
    await page.getByLabel("Reason").fill("Bounced");
    await confirm(page, "Reverse payment");
    await stateIs(page, "Open");
    await page.getByText("“Bounced”").waitFor();

    await choose(page, "Mark uncollectible…");
    await page.getByLabel("Reason").fill("Insolvent");
    await confirm(page, "Mark uncollectible");
    await stateIs(page, "Uncollectible");
    await button(page, "Check").click();
    await page.getByText("Intact").waitFor();

    await choose(page, "Duplicate");
    await page.getByRole("heading", { name: "Edit draft" }).waitFor();
    assert.equal(await input(page, "invoice.lines[0].description").inputValue(), "Design");
    await page.getByRole("link", { name: "Draft", exact: true }).click();
    await choose(page, "Delete draft…");
    await confirm(page, "Delete draft");
    await page.getByText("Draft deleted.").waitFor();
    await page.getByRole("cell", { name: /INV-/ }).waitFor();
    assert.equal(await page.getByText("Draft invoice").count(), 0);
  });

  test("a customer is kept, found, chosen for a draft that follows, and deleted", async () => {
    const page = await register(await stage.visit(), newAccount());
    const go = (place: string) =>
      page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: place }).click();
    await go("Customers");
    await page.getByText("Nobody here yet").waitFor();
    await page.getByRole("link", { name: "New customer" }).first().click();
    await input(page, "customer.party.name").fill("Grace & Söhne");
    await input(page, "customer.party.email").fill("grace@example.com");
    await input(page, "customer.party.address.country_code").selectOption("DE");
    await input(page, "customer.currency_code").selectOption("CHF");
    await input(page, "customer.payment_terms_days").fill("5000");
    await button(page, "Save").click();
    assert.match(await errorAt(page, "customer.payment_terms_days"), /3650/);
    await input(page, "customer.payment_terms_days").fill("7");
    await button(page, "Save").click();
    await page.getByText("Customer saved.").waitFor();
    await page.getByRole("link", { name: "Grace & Söhne" }).waitFor();
    await page.getByRole("searchbox", { name: "Search customers" }).fill("zoe");
    await page.getByText("Nobody found").waitFor();
    await button(page, "Show all customers").click();
    await page.getByRole("link", { name: "Grace & Söhne" }).waitFor();

    await newInvoice(page);
    await page.getByRole("combobox", { name: "Choose a customer" }).fill("söh");
    await page.getByRole("option", { name: "Grace & Söhne" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByText("the draft changes with the customer").waitFor();
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "Grace & Söhne");
    assert.equal(await input(page, "invoice.currency_code").inputValue(), "CHF");
    assert.equal(await input(page, "invoice.payment_terms_days").inputValue(), "7");
    await typeLine(page, 0, "Design", "2.5", "80");
    // The server gives a draft that names nobody the customer's party.
    await input(page, "invoice.buyer.name").fill("");
    await input(page, "invoice.buyer.email").fill("");
    await input(page, "invoice.buyer.address.country_code").selectOption("");
    const draft = await saveDraft(page);
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "Grace & Söhne");

    await go("Customers");
    await page.getByRole("link", { name: "Grace & Söhne" }).click();
    await input(page, "customer.party.name").fill("Grace GmbH");
    await button(page, "Save").click();
    await page.getByRole("link", { name: "Grace GmbH" }).waitFor();
    await go("Invoices");
    await page.getByRole("link", { name: "Grace GmbH" }).waitFor();

    await go("Customers");
    await page.getByRole("link", { name: "Grace GmbH" }).click();
    await button(page, "Delete…").click();
    await confirm(page, "Delete customer");
    await page.getByText("Nobody here yet").waitFor();
    await page.goto(`/invoices/${draft}/edit`);
    await page.getByText("The customer of this draft cannot be found").waitFor();
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "Grace GmbH");
  });

  test("the list is searched and narrowed, and the address keeps it", async () => {
    const page = await register(await stage.visit(), newAccount());
    for (const buyer of ["Anna Apfel", "Bernd Birne"]) {
      await typeDraft(page, buyer);
      await button(page, "Save draft").click();
      await page.waitForURL(/inv_/);
      await page.getByText("Draft saved.").last().waitFor();
    }
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Invoices" }).click();
    await page.getByRole("searchbox", { name: "Search invoices" }).fill("birn");
    await page.getByRole("link", { name: "Anna Apfel" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Bernd Birne" }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "Bernd Birne" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Anna Apfel" }).count(), 0);
    await button(page, "Paid").first().click();
    await page.getByText("Nothing found").waitFor();
    await button(page, "Show all invoices").click();
    await page.getByRole("link", { name: "Anna Apfel" }).waitFor();
  });

  test("no page had an uncaught error or was refused by its policy", () => {
    assert.deepEqual(stage.mishaps, []);
  });
});
