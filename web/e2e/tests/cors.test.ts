// Which web pages may call the gateway: those of the configured origins and no other.

import assert from "node:assert/strict";
import { request, type IncomingHttpHeaders } from "node:http";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { startApp, type App } from "../app.js";
import { callFrom, clients, launchBrowser, openPage, serveOrigin, type Client, type Origin } from "../browser.js";
import { newAccount } from "./account.js";

const REGISTER = "invoiceapp.auth.v1.AuthService/Register";
const LOGIN = "invoiceapp.auth.v1.AuthService/Login";
const client = clients[0] as Client;

let allowed: Origin;
let foreign: Origin;
let app: App;
let browser: Browser;

before(async () => {
  allowed = await serveOrigin();
  foreign = await serveOrigin();
  app = await startApp(allowed.url);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await app?.stop();
  allowed?.close();
  foreign?.close();
});

test("the preflight of an allowed origin names that origin and every header our clients send", async () => {
  const { status, headers } = await preflight(allowed.url);
  assert.equal(Math.trunc(status / 100), 2);
  assert.equal(headers["access-control-allow-origin"], allowed.url);
  assert.match(headers["access-control-allow-methods"] ?? "", /\bPOST\b/);
  const names = (headers["access-control-allow-headers"] ?? "").toLowerCase().split(/\s*,\s*/);
  assert.equal(headers["access-control-allow-credentials"], "true");
  const ours = "content-type x-grpc-web x-user-agent grpc-timeout authorization x-request-id traceparent";
  const wanted = [...ours.split(" "), "x-token-delivery"];
  assert.deepEqual(wanted.filter((name) => !names.includes(name)), []);
});

test("the preflight of a foreign origin is given no permission", async () => {
  const origins = [
    foreign.url,
    "null",
    allowed.url.replace("http:", "https:"),
    `${allowed.url}.attacker.example`,
    `${allowed.url}0`,
  ];
  for (const origin of origins) {
    const { headers } = await preflight(origin);
    assert.equal(headers["access-control-allow-origin"], undefined, origin);
    assert.equal(headers["access-control-allow-credentials"], undefined, origin);
  }
});

test("a page of an allowed origin passes its preflight and signs up", async () => {
  const page = await openPage(browser, allowed, client, app.gateway);
  const network = await watchNetwork(page);
  assert("response" in (await callFrom(page, REGISTER, newAccount())));
  assert.equal(Math.trunc((await network.preflightStatus) / 100), 2);
  await page.context().close();
});

test("a page of a foreign origin fails in its preflight and changes nothing", async () => {
  const account = newAccount();
  const page = await openPage(browser, foreign, client, app.gateway);
  const network = await watchNetwork(page);
  const outcome = await callFrom(page, REGISTER, account);
  assert("failure" in outcome, JSON.stringify(outcome));
  assert.equal(await network.corsError, "PreflightMissingAllowOriginHeader");
  await page.context().close();

  const own = await openPage(browser, allowed, client, app.gateway);
  const login = await callFrom(own, LOGIN, { email: account.email, password: account.password });
  assert("failure" in login && login.failure.reason === "CREDENTIALS_INVALID", JSON.stringify(login));
  await own.context().close();
});

/** Watches the page's requests where Chromium makes its decisions; the promises settle as it reports them. */
async function watchNetwork(page: Page) {
  const session = await page.context().newCDPSession(page);
  const preflightStatus = new Promise<number>((resolve) => {
    session.on("Network.responseReceived", ({ type, response }) => {
      if (type === "Preflight") {
        resolve(response.status);
      }
    });
  });
  const corsError = new Promise<string>((resolve) => {
    session.on("Network.loadingFailed", ({ corsErrorStatus }) => {
      if (corsErrorStatus !== undefined) {
        resolve(corsErrorStatus.corsError);
      }
    });
  });
  await session.send("Network.enable");
  return { preflightStatus, corsError };
}

/** Sends the preflight that a browser sends before a gRPC-Web call from `origin`. */
function preflight(origin: string): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((answered, failed) => {
    const headers = {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,x-grpc-web,x-user-agent",
    };
    request(`${app.gateway}/${REGISTER}`, { method: "OPTIONS", headers }, (response) => {
      response.resume();
      answered({ status: response.statusCode ?? 0, headers: response.headers });
    })
      .once("error", failed)
      .end();
  });
}
