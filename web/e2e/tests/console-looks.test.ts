// Every screen of the console, in light and dark, on a desk and on a phone: nothing that axe finds serious, and nothing
// wider than the screen.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import type { AxeResults } from "axe-core";
import type { BrowserContext, Page } from "playwright-core";
import { button, confirm, input, openStage, register, saveDraft, typeDraft, type Stage } from "./console.js";

const PHONE = { width: 375, height: 700 };
const DESK = { width: 1280, height: 800 };

let stage: Stage;
let context: BrowserContext;
let issued = "";
let draft = "";
let axe = "";

before(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  stage = await openStage();
  context = await stage.visit();
  const page = await register(context);
  await typeDraft(page);
  issued = await saveDraft(page);
  await button(page, "Issue…").click();
  await confirm(page, "Issue invoice");
  await page.getByText(/Issued as/).waitFor();
  await typeDraft(page, "A customer with a name that is so long that it has to be broken somewhere GmbH & Co. KG");
  draft = await saveDraft(page);
  await keepCustomer(page, "Grace & Söhne");
  await page.close();
});
after(() => stage?.close());

async function keepCustomer(page: Page, name: string): Promise<void> {
  await page.goto("/customers/new");
  await input(page, "customer.party.name").fill(name);
  await input(page, "customer.party.email").fill("grace@example.com");
  await input(page, "customer.party.address.country_code").selectOption("DE");
  await button(page, "Save").click();
  await page.getByRole("link", { name }).waitFor();
}

/** Serious and critical findings on what is shown now. */
async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("\n")}`);
}

/** Looks at what is shown in light and dark, at a desk and on a phone. */
async function look(page: Page, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const viewport of [DESK, PHONE]) {
      await page.setViewportSize(viewport);
      const size = `${what}, ${colorScheme}, ${viewport.width} pixels`;
      assert.deepEqual(await seriousFindings(page), [], size);
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      assert(!tooWide, `${size}: wider than the screen`);
    }
  }
}

describe("the console's looks", () => {
  test("register and sign in", async () => {
    const page = await (await stage.visit()).newPage();
    await page.goto("/register");
    await button(page, "Create account").click();
    await page.locator(".field-error").first().waitFor();
    await look(page, "register, with errors");
    await page.goto("/");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await look(page, "sign in");
  });

  const screens: [string, () => string, string][] = [
    ["the list", () => "/invoices", "INV-"],
    ["a list of nothing", () => "/invoices?q=nothing", "Nothing found"],
    ["an issued invoice", () => `/invoices/${issued}`, "To be paid"],
    ["a draft", () => `/invoices/${draft}`, "Written as a draft"],
    ["the customers", () => "/customers", "grace@example.com"],
    ["customers that nobody is like", () => "/customers?q=nothing", "Nobody found"],
    ["a new customer", () => "/customers/new", "Note for yourself"],
    ["the company", () => "/company", "Number series"],
    ["the account", () => "/account", "You registered"],
    ["nowhere", () => "/somewhere", "There is nothing here"],
  ];
  for (const [name, address, sign] of screens) {
    test(name, async () => {
      const page = await context.newPage();
      await page.goto(address());
      await page.getByText(sign).first().waitFor();
      await look(page, name);
      await page.close();
    });
  }

  test("the editor with errors", async () => {
    const page = await context.newPage();
    await page.goto(`/invoices/${draft}/edit`);
    await input(page, "invoice.lines[0].quantity").fill("many");
    await button(page, "Add line").click();
    await button(page, "Add discount or charge").click();
    await page.locator(".field-error").first().waitFor();
    await look(page, "the editor");
    await page.close();
  });

  test("a customer with errors, and one that is chosen in the editor", async () => {
    const page = await context.newPage();
    await page.goto("/customers");
    await page.getByRole("link", { name: "Grace & Söhne" }).click();
    await input(page, "customer.payment_terms_days").fill("5000");
    await button(page, "Save").click();
    await page.locator(".field-error").first().waitFor();
    await look(page, "a customer with errors");
    await page.close();

    const editor = await context.newPage();
    await editor.goto("/invoices/new/edit");
    await editor.getByRole("combobox", { name: "Choose a customer" }).fill("grace");
    await editor.getByRole("option", { name: "Grace & Söhne" }).waitFor();
    await editor.keyboard.press("ArrowDown");
    await editor.locator('[role="option"][aria-selected="true"]').waitFor();
    await look(editor, "the list of customers");
    await editor.keyboard.press("Enter");
    await editor.getByText("the draft changes with the customer").waitFor();
    await look(editor, "a chosen customer");
    await editor.close();
  });

  test("a dialog, and a menu by the keyboard", async () => {
    const page = await context.newPage();
    await page.goto(`/invoices/${issued}`);
    await button(page, "More actions").focus();
    await page.keyboard.press("ArrowDown");
    await page.getByRole("menuitem", { name: "Duplicate" }).waitFor();
    await look(page, "the menu");
    await page.keyboard.press("End");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Void…");
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "More actions");
    await button(page, "Record payment").click();
    await page.getByRole("dialog").waitFor();
    await look(page, "a dialog");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Record payment");
    await page.close();
  });

  test("no page had an uncaught error or was refused by its policy", () => {
    assert.deepEqual(stage.mishaps, []);
  });
});
