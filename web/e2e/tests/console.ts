// The built console, served by the real product, and what people do in it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { launchBrowser } from "../browser.js";
import { newAccount } from "./account.js";

export type Account = ReturnType<typeof newAccount>;

/** A product that serves the console, and a browser. */
export interface Stage {
  readonly app: App;
  /** A browser of its own for one person, closed with the stage. */
  visit(options?: BrowserContextOptions): Promise<BrowserContext>;
  /** What no page may have: uncaught errors, and anything that the content security policy refused. */
  readonly mishaps: readonly string[];
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = resolve("../console/dist");
  assert(existsSync(folder), "web/console is not built: npm --prefix web/console run build");
  const app = await startApp("http://127.0.0.1:1", ["--console-dir", folder]);
  const browser: Browser = await launchBrowser();
  const mishaps: string[] = [];
  return {
    app,
    mishaps,
    visit: async (options = {}) => {
      const context = await browser.newContext({ baseURL: app.gateway, locale: "en-GB", ...options });
      context.setDefaultTimeout(20_000);
      context.on("page", (page) => noteMishaps(page, mishaps));
      return context;
    },
    close: async () => {
      await browser.close();
      await app.stop();
    },
  };
}

function noteMishaps(page: Page, mishaps: string[]): void {
  page.on("pageerror", (error) => mishaps.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) {
      mishaps.push(message.text());
    }
  });
}

/** Registers somebody in a new tab, which then shows their empty list. */
export async function register(context: BrowserContext, account: Account = newAccount()): Promise<Page> {
  const page = await context.newPage();
  await page.goto("/register");
  await page.getByLabel("Your name").fill(account.displayName);
  await page.getByLabel("Company").fill(account.organizationName);
  await page.getByLabel("E-mail address").fill(account.email);
  await page.getByLabel("Password").fill(account.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "Your first invoice" }).waitFor();
  return page;
}

export async function signIn(page: Page, { email, password }: Account): Promise<void> {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The input of a path in the request: `invoice.lines[1].quantity`. */
export const input = (page: Page, path: string): Locator => page.locator(`[name="${path}"]`);

/** What is said to be wrong with an input, as a screen reader says it. */
export async function errorAt(page: Page, path: string): Promise<string> {
  const field = input(page, path);
  await page.locator(`[name="${path}"][aria-invalid="true"]`).waitFor();
  const ids = ((await field.getAttribute("aria-describedby")) ?? "").split(" ");
  const id = ids.find((id) => id.endsWith("-error"));
  assert(id !== undefined, `${path} has no error`);
  return (await page.locator(`[id="${id}"]`).textContent()) ?? "";
}

/** Begins a new invoice from the list. */
export async function newInvoice(page: Page): Promise<void> {
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Invoices" }).click();
  await page.getByRole("link", { name: "New invoice" }).first().click();
  await page.getByRole("heading", { name: "New invoice" }).waitFor();
}

/** Types a complete draft of one line: 2.5 × 80.00 at 19 %, which is 238.00. */
export async function typeDraft(page: Page, buyer = "Grace & Söhne"): Promise<void> {
  await typeBuyerAndLine(page, buyer);
  await input(page, "invoice.seller.name").evaluate((field) => field.closest("details")?.setAttribute("open", ""));
  await input(page, "invoice.seller.name").fill("Ada’s workshop");
  await input(page, "invoice.seller.address.country_code").selectOption("GB");
}

/** As {@link typeDraft}, with the seller left to the company's profile. */
export async function typeBuyerAndLine(page: Page, buyer: string): Promise<void> {
  await newInvoice(page);
  await input(page, "invoice.buyer.name").fill(buyer);
  await input(page, "invoice.buyer.address.country_code").selectOption("DE");
  await typeLine(page, 0, "Design", "2.5", "80");
}

export async function typeLine(page: Page, at: number, what: string, quantity: string, price: string): Promise<void> {
  const path = `invoice.lines[${at}]`;
  await input(page, `${path}.description`).fill(what);
  await input(page, `${path}.quantity`).fill(quantity);
  await input(page, `${path}.unit_price`).fill(price);
  await input(page, `${path}.tax_rate`).fill("19");
}

/** Waits until the totals beside the editor show this gross. */
export const totalIs = (page: Page, gross: string): Promise<void> =>
  page.locator(".total-strong", { hasText: gross }).and(page.locator('[aria-busy="false"] *')).waitFor();

export const button = (page: Page, name: string): Locator => page.getByRole("button", { name, exact: true });

/** Presses a dialog's button of this name. */
export const confirm = (page: Page, name: string): Promise<void> =>
  page.getByRole("dialog").getByRole("button", { name, exact: true }).click();

/** Waits until everything that is typed is saved. */
export const isSaved = (page: Page): Promise<void> => page.locator(".save-state", { hasText: /^Saved$/ }).waitFor();

/** Saves the draft that is being written, and gives its id. */
export async function saveDraft(page: Page): Promise<string> {
  await button(page, "Save draft").click();
  await isSaved(page);
  return /inv_[^/]+/.exec(page.url())?.[0] ?? assert.fail(`no draft at ${page.url()}`);
}
