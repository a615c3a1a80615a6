// The console shows what happens elsewhere, without anybody asking for it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { button, confirm, openStage, register, saveDraft, typeDraft, type Stage } from "./console.js";

let stage: Stage;

before(async () => {
  stage = await openStage();
});
after(() => stage?.close());

describe("the console, live", () => {
  test("a second tab sees a draft appear, be issued and be paid, also after the server restarted", async () => {
    const context = await stage.visit();
    const first = await register(context);
    const second = await context.newPage();
    await second.goto("/invoices");
    await second.getByRole("heading", { name: "Your first invoice" }).waitFor();

    await typeDraft(first, "Live GmbH");
    await saveDraft(first);
    await second.getByRole("link", { name: "Live GmbH" }).click();
    await second.locator(".page-head .badge", { hasText: "Draft" }).waitFor();
    await button(first, "Issue…").click();
    await confirm(first, "Issue invoice");
    await second.getByRole("heading", { name: /^INV-/ }).waitFor();

    await stage.app.restart();
    await button(first, "Record payment").click();
    await confirm(first, "Record payment");
    await second.locator(".page-head .badge", { hasText: "Paid" }).waitFor();
    await second.getByText("Payment recorded").waitFor();
  });

  test("no page had an uncaught error or was refused by its policy", () => {
    assert.deepEqual(stage.mishaps, []);
  });
});
