// The refresh token in a cookie: what the page's client can do with it, and what no script and no other page can.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { callFrom, clients, launchBrowser, openTab, serveOrigin, type Client, type Origin } from "../browser.js";
import { makeCertificate, type Certificate } from "../certificate.js";
import { newAccount } from "./account.js";

const AUTH = "invoiceapp.auth.v1.AuthService";
const DAY_S = 86_400;

for (const scheme of ["http", "https"] as const) {
  describe(`cookies over ${scheme}`, () => {
    const name = scheme === "https" ? "__Host-invoiceapp-refresh" : "invoiceapp-refresh";
    const device = name.replace("refresh", "device");
    let certificate: Certificate | undefined;
    let origin: Origin;
    let foreign: Origin;
    let app: App;
    let browser: Browser;
    let context: BrowserContext;

    before(async () => {
      certificate = scheme === "https" ? await makeCertificate() : undefined;
      origin = await serveOrigin(certificate);
      foreign = await serveOrigin(certificate);
      const { certFile, keyFile } = certificate ?? {};
      const tls = certFile && keyFile ? ["--gateway-tls-cert", certFile, "--gateway-tls-key", keyFile] : [];
      app = await startApp(origin.url, tls);
      browser = await launchBrowser();
    });

    after(async () => {
      await browser?.close();
      await app?.stop();
      origin?.close();
      foreign?.close();
      await certificate?.remove();
    });

    beforeEach(async () => {
      context = await browser.newContext({ ignoreHTTPSErrors: true });
    });

    afterEach(() => context?.close());

    const tab = (client: Client) => openTab(context, origin.url, client, app.gateway, "cookie");

    /** The names of all cookies that the browser has. */
    const names = async () => (await context.cookies()).map((cookie) => cookie.name).sort();

    /** The value of the refresh token's cookie, which is there beside the device's and no other. */
    async function cookie(): Promise<string> {
      assert.deepEqual(await names(), [device, name]);
      return (await context.cookies()).find((cookie) => cookie.name === name)?.value ?? "";
    }

    for (const client of clients) {
      test(`${client.name}: signed in, refreshed and signed out by a cookie that no script reads`, async () => {
        const page = await tab(client);
        const registered = tokens(await succeed(page, "Register", newAccount()));
        assert.equal(registered["refreshToken"], undefined);
        const first = await cookie();
        for (const { name: kept, httpOnly, secure, sameSite, path, expires } of await context.cookies()) {
          assert.deepEqual(
            { httpOnly, secure, sameSite, path },
            { httpOnly: true, secure: scheme === "https", sameSite: "Strict", path: "/" },
          );
          const days = kept === device ? 400 : 7;
          assert(Math.abs(expires - Date.now() / 1000 - days * DAY_S) < 60, `${kept} expires at ${expires}`);
        }
        assert.equal(await page.evaluate(() => document.cookie), "");

        await page.reload();
        await page.waitForFunction(() => "call" in window);
        const refreshed = tokens(await succeed(page, "RefreshToken", {}));
        assert.equal(refreshed["refreshToken"], undefined);
        assert.equal(refreshed["sessionId"], registered["sessionId"]);
        assert.notEqual(await cookie(), first);
        const token = String(refreshed["accessToken"]);
        await succeed(page, "GetMe", {}, token);

        await succeed(page, "Logout", {}, token);
        assert.deepEqual(await names(), [device], "the device stays known");
        assert.equal(await refusal(page, "RefreshToken", {}), "REFRESH_TOKEN_INVALID");
        assert.equal(await refusal(page, "GetMe", {}, token), "TOKEN_REVOKED");
      });
    }

    test("two tabs that refresh at once stay signed in", async () => {
      const client = clients[0] as Client;
      const [first, second] = [await tab(client), await tab(client)];
      await succeed(first, "Register", newAccount());
      await Promise.all([first, second].map((page) => succeed(page, "RefreshToken", {})));
      await Promise.all([second, first].map((page) => succeed(page, "RefreshToken", {})));
    });

    test("a cookie whose session has ended is cleared", async () => {
      const page = await tab(clients[0] as Client);
      const token = String(tokens(await succeed(page, "Register", newAccount()))["accessToken"]);
      const ended = await context.cookies();
      await succeed(page, "Logout", {}, token);
      await context.addCookies(ended);
      assert.equal(await refusal(page, "RefreshToken", {}), "REFRESH_TOKEN_INVALID");
      assert.deepEqual(await names(), [device]);
    });

    // What keeps foreign pages out is the same over TLS.
    const sites = scheme === "http" ? ["of the same site", "of another site"] : [];
    for (const site of sites) {
      test(`a foreign page ${site} can neither refresh nor sign out`, async () => {
        const own = await tab(clients[0] as Client);
        await succeed(own, "Register", newAccount());
        const before = await cookie();
        const host = site === "of another site" ? "localhost" : "127.0.0.1";
        const url = foreign.url.replace("127.0.0.1", host);
        const page = await openTab(context, url, clients[0] as Client, app.gateway, "cookie");
        for (const method of ["RefreshToken", "Logout"]) {
          const target = `${app.gateway}/${AUTH}/${method}`;
          const outcome = await callFrom(page, `${AUTH}/${method}`, {});
          assert("failure" in outcome, JSON.stringify(outcome));
          assert.equal(await statusOfSimpleRequest(page, target), 415, method);
          const answered = page.waitForResponse(target);
          await page.evaluate(sendForm, target);
          assert.equal((await answered).status(), 415, method);
        }
        assert.equal(await cookie(), before);
        await succeed(own, "RefreshToken", {});
      });
    }
  });
}

/** The status of a request that needs no preflight. The page learns nothing of the answer, only Chromium does. */
async function statusOfSimpleRequest(page: Page, target: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  const status = new Promise<number>((resolve) => {
    session.on("Network.responseReceivedExtraInfo", ({ statusCode }) => resolve(statusCode));
  });
  const outcome = await page.evaluate(sendSimply, target);
  assert.equal(outcome, "TypeError");
  return status;
}

/** In a page: sends an empty gRPC-Web message as text, with the page's cookies, and returns how that fails. */
async function sendSimply(target: string): Promise<string> {
  const headers = { "content-type": "text/plain" };
  const body = new Uint8Array(5);
  try {
    await fetch(target, { method: "POST", mode: "no-cors", credentials: "include", headers, body });
    return "an answer";
  } catch (error) {
    return (error as Error).name;
  }
}

/** In a page: posts a form that is encoded as text, into a frame. */
function sendForm(target: string): void {
  const frame = document.createElement("iframe");
  frame.name = "answer";
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", enctype: "text/plain", action: target, target: frame.name });
  document.body.append(frame, form);
  form.submit();
}

async function succeed(page: Page, method: string, request: object, token?: string): Promise<JsonObject> {
  const outcome = await callFrom(page, `${AUTH}/${method}`, request, token);
  assert("response" in outcome, `${method}: ${JSON.stringify(outcome)}`);
  return outcome.response;
}

/** The reason why a call is refused. */
async function refusal(page: Page, method: string, request: object, token?: string): Promise<string> {
  const outcome = await callFrom(page, `${AUTH}/${method}`, request, token);
  assert("failure" in outcome, `${method}: ${JSON.stringify(outcome)}`);
  return outcome.failure.reason;
}

function tokens(answer: JsonObject): JsonObject {
  return answer["tokens"] as JsonObject;
}
