// The console and sessions: whoever loses theirs signs in where they are, and goes on there.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { newAccount } from "./account.js";
import { button, confirm, input, openStage, register, saveDraft, signIn, typeDraft, type Stage } from "./console.js";

let stage: Stage;

before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

/** The list of sessions, in a browser where this account signs in. */
async function openSessions(context: BrowserContext, account: ReturnType<typeof newAccount>): Promise<Page> {
  const page = await context.newPage();
  await page.goto("/account");
  await signIn(page, account);
  await page.getByRole("heading", { name: "Where you are signed in" }).waitFor();
  return page;
}

describe("the console's sessions", () => {
  test("a session that is ended elsewhere leads to the sign-in, and back to what was being written", async () => {
    const account = newAccount();
    const page = await register(await stage.visit(), account);
    await typeDraft(page);
    const id = await saveDraft(page);
    await input(page, "invoice.note").fill("Not saved yet when the session ended");

    const other = await openSessions(await stage.visit(), account);
    await button(other, "End all others").click();
    await confirm(other, "End session");
    await other.getByText("Signed out there.").waitFor();

    // Without a key and without a click.
    await page.getByText("Your session was ended").waitFor();
    await signIn(page, account);
    await page.getByText("What you had typed is still here").waitFor();
    assert.match(page.url(), new RegExp(`/invoices/${id}/edit$`));
    assert.equal(await input(page, "invoice.note").inputValue(), "Not saved yet when the session ended");
    await saveDraft(page);
  });

  test("somebody else who signs in in the same tab sees nothing of the first", async () => {
    const page = await register(await stage.visit());
    await typeDraft(page, "Secret customer");
    await button(page, "Sign out").click();
    const second = newAccount();
    await register(await stage.visit(), second);
    await signIn(page, second);
    await page.getByRole("heading", { name: "New invoice" }).waitFor();
    assert.equal(await input(page, "invoice.buyer.name").inputValue(), "");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Invoices" }).click();
    await page.getByRole("heading", { name: "Your first invoice" }).waitFor();
  });

  test("signing out in one tab signs out the other", async () => {
    const context = await stage.visit();
    const first = await register(context);
    const second = await context.newPage();
    await second.goto("/account");
    await second.getByRole("heading", { name: "Where you are signed in" }).waitFor();
    await button(first, "Sign out").click();
    await second.getByRole("heading", { name: "Sign in" }).waitFor();
  });

  test("a wrong password is said, and a right one with the keyboard alone signs in", async () => {
    const account = newAccount();
    const context = await stage.visit();
    const page = await register(context, account);
    await button(page, "Sign out").click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await signIn(page, { ...account, password: "wrong wrong wrong" });
    await page.getByRole("alert").getByText("do not belong together").waitFor();
    await page.getByLabel("E-mail address").focus();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.type(account.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(account.password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Your first invoice" }).waitFor();
  });

  test("a new password is taken, the old one is refused at its input, and the history says so", async () => {
    const account = newAccount();
    const page = await register(await stage.visit(), account);
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Account" }).click();
    await page.getByLabel("Current password").fill("something else");
    await page.getByLabel("New password").fill("seven quiet otters float");
    await button(page, "Change password").click();
    await page.getByText("This is not your password.").waitFor();
    await page.getByLabel("Current password").fill(account.password);
    await button(page, "Change password").click();
    await page.getByText("Password changed. Every other session has ended.").waitFor();
    await page.getByText("Password change failed: wrong password").waitFor();
  });

  test("no page had an uncaught error or was refused by its policy", () => {
    assert.deepEqual(stage.mishaps, []);
  });
});
