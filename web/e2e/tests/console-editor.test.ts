// The console's editor: nothing typed is lost, every figure is the server's, and what is wrong is said where it is.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { button, confirm, errorAt, input, isSaved, newInvoice, openStage, register, saveDraft, totalIs, typeDraft, typeLine } from "./console.js";
import type { Stage } from "./console.js";

let stage: Stage;
let context: BrowserContext;
let page: Page;

before(async () => {
  stage = await openStage();
  context = await stage.visit();
  await register(context);
});
after(() => stage?.close());
beforeEach(async () => {
  page = await context.newPage();
  await page.goto("/invoices");
});
afterEach(() => page?.close());

describe("the console's editor", () => {
  test("totals are the server's while one types, and what cannot be read is said at its input", async () => {
    await typeDraft(page);
    await totalIs(page, "€238.00");
    await button(page, "Add line").click();
    await typeLine(page, 1, "Books", "abc", "10");
    assert.equal(await errorAt(page, "invoice.lines[1].quantity"), "Please enter a number.");
    await input(page, "invoice.lines[1].quantity").fill("3");
    await totalIs(page, "€273.70");
    await button(page, "Add discount or charge").click();
    await input(page, "invoice.adjustments[0].percent").fill("10");
    await totalIs(page, "€246.33");
  });

  test("what an invoice lacks to be issued is said at its inputs, in folded parts too", async () => {
    await newInvoice(page);
    await input(page, "invoice.buyer.name").fill("Grace & Söhne");
    await typeLine(page, 0, "Design", "0", "80");
    await button(page, "Issue…").click();
    await confirm(page, "Issue invoice");
    assert.equal(await errorAt(page, "invoice.lines[0].quantity"), "The quantity cannot be 0.");
    assert.equal(await errorAt(page, "invoice.buyer.address.country_code"), "Please fill this in.");
    assert.equal(await errorAt(page, "invoice.seller.name"), "Please fill this in.");
    // The first of them has the focus, and the message goes when one types.
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "invoice.buyer.address.country_code");
    await input(page, "invoice.lines[0].quantity").fill("1");
    await page.locator('[name="invoice.lines[0].quantity"]:not([aria-invalid])').waitFor();
  });

  test("a server that restarts while one writes loses nothing and saves once", async () => {
    await typeDraft(page, "Restart AG");
    await totalIs(page, "€238.00");
    await stage.app.restart(async () => {
      await input(page, "invoice.note").fill("Typed while the server was away");
      await button(page, "Save draft").click();
      await page.getByText("Waiting for the server").waitFor();
      // One goes on writing meanwhile.
      await input(page, "invoice.purchase_order").fill("PO-7");
    });
    await page.getByText("Not saved yet").waitFor();
    assert.equal(await input(page, "invoice.purchase_order").inputValue(), "PO-7");
    await saveDraft(page);
    await page.goto("/invoices");
    await page.getByRole("link", { name: "Restart AG" }).click();
    await page.getByText("Typed while the server was away").waitFor();
    await page.getByText("PO-7").waitFor();
    await page.goto("/invoices");
    await page.getByRole("link", { name: "Restart AG" }).first().waitFor();
    assert.equal(await page.getByRole("link", { name: "Restart AG" }).count(), 1);
  });

  test("an answer that is lost on the way does not save twice, also when the page is loaded again", async () => {
    await typeDraft(page, "Lost & Found");
    // The server gets it, the browser does not hear of it.
    await page.route("**/CreateInvoice", async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    });
    await button(page, "Save draft").click();
    await page.getByText("Waiting for the server").waitFor();
    await page.unroute("**/CreateInvoice");
    page.once("dialog", (dialog) => void dialog.accept());
    await page.reload();
    await page.waitForURL(/invoices\/inv_/);
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "Lost & Found");
    await page.goto("/invoices");
    await page.getByRole("link", { name: "Lost & Found" }).first().waitFor();
    assert.equal(await page.getByRole("link", { name: "Lost & Found" }).count(), 1);
  });

  test("leaving with something unsaved asks, and saves on request", async () => {
    await typeDraft(page, "Unsaved KG");
    await page.getByRole("link", { name: "Company" }).click();
    await confirm(page, "Stay");
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "Unsaved KG");
    await page.goBack();
    await confirm(page, "Save and leave");
    await page.getByRole("link", { name: "Unsaved KG" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/invoices");
  });

  test("a draft that was changed elsewhere is not overwritten unknowingly", async () => {
    await typeDraft(page);
    const id = await saveDraft(page);
    const other = await context.newPage();
    await other.goto(`/invoices/${id}/edit`);
    // First: a draft that nobody is writing would simply become theirs.
    await input(page, "invoice.note").fill("Mine");
    await input(other, "invoice.note").fill("Theirs");
    await saveDraft(other);
    await button(page, "Save draft").click();
    await page.getByText("changed elsewhere").waitFor();
    await button(page, "Save mine over it").click();
    await isSaved(page);
    await page.getByText("changed elsewhere").waitFor({ state: "detached" });
    await page.reload();
    assert.equal(await input(page, "invoice.note").inputValue(), "Mine");
  });

  test("on a slow network one types on, and the figures of the last keys are shown", async () => {
    await newInvoice(page);
    await page.route("**/PreviewInvoice", async (route) => {
      await new Promise((wait) => setTimeout(wait, 400));
      await route.continue();
    });
    await typeLine(page, 0, "Design", "1", "1");
    for (const price of ["10", "100", "1000"]) {
      await input(page, "invoice.lines[0].unit_price").fill(price);
      await page.waitForTimeout(300);
    }
    await totalIs(page, "€1,190.00");
  });

  test("no page had an uncaught error or was refused by its policy", () => {
    assert.deepEqual(stage.mishaps, []);
  });
});
