// @invoice-app/client in real tabs: one sign-in for all of them, and no script that could read it.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { launchBrowser, serveOrigin, type Origin } from "../browser.js";
import { newAccount } from "./account.js";

let origin: Origin;
let app: App;
let browser: Browser;
let context: BrowserContext;

before(async () => {
  origin = await serveOrigin();
  app = await startApp(origin.url);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await app?.stop();
  origin?.close();
});

beforeEach(async () => {
  context = await browser.newContext();
});

afterEach(() => context?.close());

async function openTab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin.url}/client.html?${new URLSearchParams({ gateway: app.gateway })}`);
  await page.waitForFunction(() => "tab" in window);
  return page;
}

const register = (page: Page, { email, password }: { email: string; password: string }) =>
  page.evaluate(([email, password]) => window.tab.register(email, password), [email, password] as const);
const restore = (page: Page) => page.evaluate(() => window.tab.restore());
const state = (page: Page) => page.evaluate(() => window.tab.state());
const sent = (page: Page, method: string) => page.evaluate((method) => window.tab.sent(method), method);

describe("@invoice-app/client in a browser", () => {
  test("a page that is loaded again is signed in by its cookie, which no script sees", async () => {
    const page = await openTab();
    await register(page, newAccount());
    assert.match(await page.evaluate(() => window.tab.createDraft()), /^inv_/);
    assert.equal(await page.evaluate(() => document.cookie), "");

    await page.reload();
    await page.waitForFunction(() => "tab" in window);
    assert.equal((await restore(page)).status, "signed-in");
    assert.equal(await page.evaluate(() => window.tab.me()), "Ann");
  });

  test("a second tab takes the sign-in of the first without asking the server", async () => {
    const first = await openTab();
    await register(first, newAccount());
    const second = await openTab();
    await second.waitForFunction(() => window.tab.state().status === "signed-in");
    assert.equal(await second.evaluate(() => window.tab.me()), "Ann");
    assert.equal(await sent(second, "RefreshToken"), 0);
    const tokens = [first, second].map((page) => page.evaluate(() => window.tab.accessToken()));
    const [one, other] = await Promise.all(tokens);
    assert.equal(one, other);
  });

  test("many tabs that start at once end up with one session", async () => {
    const first = await openTab();
    await register(first, newAccount());
    await first.close();
    const tabs = await Promise.all(Array.from({ length: 4 }, openTab));
    const states = await Promise.all(tabs.map(restore));
    assert.deepEqual(new Set(states.map(({ status }) => status)), new Set(["signed-in"]));
    assert.equal(new Set(states.map((state) => (state.status === "signed-in" ? state.sessionId : ""))).size, 1);
  });

  test("signing out in one tab signs out the others, and a page load finds nobody", async () => {
    const [first, second] = [await openTab(), await openTab()];
    await register(first, newAccount());
    await second.waitForFunction(() => window.tab.state().status === "signed-in");
    await first.evaluate(() => window.tab.logout());
    await second.waitForFunction(() => window.tab.state().status === "signed-out");
    await second.reload();
    await second.waitForFunction(() => "tab" in window);
    assert.deepEqual(await restore(second), { status: "signed-out", reason: "" });
    assert.deepEqual(await state(second), { status: "signed-out", reason: "" });
  });

  test("a person who signs out without a network is not signed in again by the next page load", async () => {
    const page = await openTab();
    await register(page, newAccount());
    await context.setOffline(true);
    assert.equal(await page.evaluate(() => window.tab.logout().then(() => "told", () => "not told")), "not told");
    await context.setOffline(false);
    for (let load = 0; load < 2; load += 1) {
      await page.reload();
      await page.waitForFunction(() => "tab" in window);
      assert.deepEqual(await restore(page), { status: "signed-out", reason: "" });
    }
  });
});
