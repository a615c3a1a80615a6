// A page that the gateway itself serves from a folder (--console-dir), in Chromium: under its Content-Security-Policy, of
// the gateway's own origin, without a list of origins.

import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import type { Browser, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { callFrom, launchBrowser, serveOrigin, type Origin } from "../browser.js";
import { makeCertificate, type Certificate } from "../certificate.js";
import { newAccount } from "./account.js";

const AUTH = "invoiceapp.auth.v1.AuthService";

/** Puts a frontend into a folder as a build would: a page, and the bundle of a test page with a hash in its name. */
async function buildConsole(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "invoice-app-e2e-console-"));
  const head = `<link rel="icon" href="data:,"><script type="module" src="/assets/page-0aF3.js"></script>`;
  await mkdir(join(folder, "assets"));
  await cp("dist/pages/connect-web.page.js", join(folder, "assets", "page-0aF3.js"));
  await writeFile(join(folder, "index.html"), `<!doctype html><title>Console</title>${head}`);
  return folder;
}

for (const scheme of ["http", "https"] as const) {
  describe(`a console over ${scheme}`, () => {
    let certificate: Certificate | undefined;
    let folder: string;
    let foreign: Origin;
    let app: App;
    let browser: Browser;

    before(async () => {
      certificate = scheme === "https" ? await makeCertificate() : undefined;
      folder = await buildConsole();
      foreign = await serveOrigin(certificate);
      const { certFile, keyFile } = certificate ?? {};
      const tls = certFile && keyFile ? ["--gateway-tls-cert", certFile, "--gateway-tls-key", keyFile] : [];
      app = await startApp("https://nobody.example", ["--console-dir", folder, ...tls]);
      browser = await launchBrowser();
    });

    after(async () => {
      await browser?.close();
      await app?.stop();
      foreign?.close();
      await rm(folder, { recursive: true, force: true });
      await certificate?.remove();
    });

    /** The console at one of its places, in a browser of its own, asking for cookies. */
    async function open(place: string): Promise<Page> {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      const query = new URLSearchParams({ gateway: app.gateway, delivery: "cookie" });
      const answer = await page.goto(`${app.gateway}${place}?${query}`);
      assert.equal(answer?.status(), 200);
      await page.waitForFunction(() => "call" in window);
      return page;
    }

    test("a page from --console-dir signs in, is loaded again at another place, and goes on by its cookie", async () => {
      const page = await open("/");
      const registered = await succeed(page, "Register", newAccount());
      assert.equal((registered["tokens"] as JsonObject)["refreshToken"], undefined);
      await page.goto(page.url().replace("/?", "/invoices/inv_1?"));
      await page.waitForFunction(() => "call" in window);
      const refreshed = await succeed(page, "RefreshToken", {});
      await succeed(page, "GetMe", {}, String((refreshed["tokens"] as JsonObject)["accessToken"]));
      assert.equal(await page.title(), "Console");
      await page.context().close();
    });

    test("a page from --console-dir calls the API under its policy, and nothing else", async () => {
      const page = await open("/");
      const violated = await page.evaluate(async (elsewhere) => {
        const seen: string[] = [];
        document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
        const inline = document.createElement("script");
        inline.textContent = "window.name = 'an inline script ran'";
        const script = Object.assign(document.createElement("script"), { src: `${elsewhere}/x.js` });
        const style = document.createElement("style");
        style.textContent = "body { color: red }";
        const frame = Object.assign(document.createElement("iframe"), { src: elsewhere });
        const image = Object.assign(document.createElement("img"), { src: `${elsewhere}/x.png` });
        document.body.append(inline, script, style, frame, image);
        const sent = await fetch(elsewhere, { mode: "no-cors" }).then(
          () => "sent",
          () => "refused",
        );
        const deadline = Date.now() + 10_000;
        while (seen.length < 6 && Date.now() < deadline) {
          await new Promise((later) => setTimeout(later, 20));
        }
        return { seen: seen.sort(), sent, ran: window.name };
      }, foreign.url);
      assert.deepEqual(violated, {
        seen: ["connect-src", "frame-src", "img-src", "script-src-elem", "script-src-elem", "style-src-elem"],
        sent: "refused",
        ran: "",
      });
      await succeed(page, "Register", newAccount());
      await page.context().close();
    });

    test("a page of elsewhere is as foreign to a gateway with a console as to any", async () => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      const page = await context.newPage();
      const query = new URLSearchParams({ gateway: app.gateway, delivery: "cookie" });
      await page.goto(`${foreign.url}/connect-web.html?${query}`);
      await page.waitForFunction(() => "call" in window);
      const outcome = await callFrom(page, `${AUTH}/Register`, newAccount());
      assert("failure" in outcome, JSON.stringify(outcome));
      const script = await page.evaluate(async (url) => {
        const answer = await fetch(url, { mode: "no-cors" }).catch((error: Error) => error.name);
        return typeof answer === "string" ? answer : "an answer";
      }, `${app.gateway}/assets/page-0aF3.js`);
      assert.equal(script, "TypeError", "its files are for its own pages");
      await context.close();
    });
  });
}

async function succeed(page: Page, method: string, request: object, token?: string): Promise<JsonObject> {
  const outcome = await callFrom(page, `${AUTH}/${method}`, request, token);
  assert("response" in outcome, `${method}: ${JSON.stringify(outcome)}`);
  return outcome.response;
}
