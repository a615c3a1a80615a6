// Each browser client library against a real gateway: sign-in, exact invoices, and readable errors.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Browser, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { callFrom, clients, launchBrowser, openPage, serveOrigin, type Origin } from "../browser.js";
import type { Failure } from "../pages/calls.js";
import { newAccount } from "./account.js";
import { draft, draftTaxBreakdown, draftTotals } from "./draft.js";

const AUTH = "invoiceapp.auth.v1.AuthService";
const INVOICES = "invoiceapp.invoice.v1.InvoiceService";

let origin: Origin;
let app: App;
let browser: Browser;

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

for (const client of clients) {
  describe(client.name, () => {
    const account = newAccount();
    let page: Page;
    let token: string;

    before(async () => {
      page = await openPage(browser, origin, client, app.gateway);
      token = accessToken(await succeed(page, `${AUTH}/Register`, account));
    });

    after(() => page?.context().close());

    test("a registered user signs in", async () => {
      const { email, password } = account;
      const login = await succeed(page, `${AUTH}/Login`, { email, password });
      assert.equal((login["user"] as JsonObject)["email"], email);
      const me = await succeed(page, `${AUTH}/GetMe`, {}, accessToken(login));
      assert.equal((me["organization"] as JsonObject)["name"], account.organizationName);
    });

    test("a created invoice has exact totals and is listed as it was created", async () => {
      const created = await succeed(page, `${INVOICES}/CreateInvoice`, { invoice: draft, requestId: randomUUID() }, token);
      assert.match(String(created["id"]), /^inv_/);
      assert.equal(created["state"], "STATE_DRAFT");
      assert.deepEqual(created["totals"], draftTotals);
      assert.deepEqual(created["taxBreakdown"], draftTaxBreakdown);

      const list = await succeed(page, `${INVOICES}/ListInvoices`, {}, token);
      assert.deepEqual(list["invoices"], [created]);
    });

    test("the page reads every violation of an invalid invoice", async () => {
      const [first, second] = draft.lines;
      const invoice = { ...draft, issueDate: "2026-02-30", lines: [first, { ...second, quantity: "1,5" }] };
      const failure = await fail(page, `${INVOICES}/CreateInvoice`, { invoice, requestId: randomUUID() }, token);
      assert.equal(failure.code, "INVALID_ARGUMENT");
      assert.equal(failure.domain, "invoiceapp");
      assert.equal(failure.reason, "FIELDS_INVALID");
      assert.deepEqual(failure.violations.map(({ field }) => field).sort(), [
        "invoice.issue_date",
        "invoice.lines[1].quantity",
      ]);
    });

    test("a call without a token is refused with a reason and a request id", async () => {
      const failure = await fail(page, `${INVOICES}/ListInvoices`, {});
      assert.equal(failure.code, "UNAUTHENTICATED");
      assert.equal(failure.reason, "TOKEN_MISSING");
      assert.match(failure.requestId, /^[A-Za-z0-9_-]{1,64}$/);
    });

    test("a wrong password is refused with a reason", async () => {
      const failure = await fail(page, `${AUTH}/Login`, { email: account.email, password: "not the password" });
      assert.equal(failure.code, "UNAUTHENTICATED");
      assert.equal(failure.reason, "CREDENTIALS_INVALID");
    });
  });
}

async function succeed(page: Page, method: string, request: object, token?: string): Promise<JsonObject> {
  const outcome = await callFrom(page, method, request, token);
  assert("response" in outcome, `${method}: ${JSON.stringify(outcome)}`);
  return outcome.response;
}

async function fail(page: Page, method: string, request: object, token?: string): Promise<Failure> {
  const outcome = await callFrom(page, method, request, token);
  assert("failure" in outcome, `${method}: ${JSON.stringify(outcome)}`);
  return outcome.failure;
}

function accessToken(signedIn: JsonObject): string {
  return String((signedIn["tokens"] as JsonObject)["accessToken"]);
}
