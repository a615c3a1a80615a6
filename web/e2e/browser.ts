// Chromium, and the origins from which it loads the test pages.

import { readFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { Certificate } from "./certificate.js";
import type { Call, Outcome } from "./pages/calls.js";

/** A web server with an origin of its own that serves the bundled pages. */
export interface Origin {
  /** `http://127.0.0.1:PORT` or `https://…`, as a browser writes it into the `origin` header. */
  url: string;
  close(): void;
}

/** A client library in the browser, and the page that uses it. */
export interface Client {
  name: string;
  page: string;
  format?: "binary" | "text";
}

/** Every client library, in every wire format, that the gateway promises to serve. */
export const clients: Client[] = [
  { name: "connect-web", page: "connect-web" },
  { name: "grpc-web, binary", page: "grpc-web", format: "binary" },
  { name: "grpc-web, text", page: "grpc-web", format: "text" },
];

/** Serves `/NAME.html`, an empty page that loads the bundle dist/pages/NAME.page.js; over TLS with a certificate. */
export async function serveOrigin(certificate?: Certificate): Promise<Origin> {
  const serve: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, name, kind] = /^\/([a-z-]+)\.(html|js)$/.exec(pathname) ?? [];
    if (name === undefined) {
      response.writeHead(404).end();
    } else if (kind === "html") {
      response.writeHead(200, { "content-type": "text/html" });
      response.end(`<!doctype html><link rel="icon" href="data:,"><script type="module" src="/${name}.js"></script>`);
    } else {
      readFile(`dist/pages/${name}.page.js`).then(
        (bundle) => response.writeHead(200, { "content-type": "text/javascript" }).end(bundle),
        () => response.writeHead(404).end(),
      );
    }
  };
  const server = certificate === undefined ? createServer(serve) : createTlsServer(certificate, serve);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Starts Chromium without a window, with a profile of its own and without background traffic. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] || "/usr/bin/chromium",
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Opens a client's page, served by `origin`, in a new browser context. */
export async function openPage(browser: Browser, origin: Origin, client: Client, gateway: string): Promise<Page> {
  return openTab(await browser.newContext(), origin.url, client, gateway);
}

/** How a page wants its tokens: in responses, or in cookies. */
export type Delivery = "body" | "cookie";

/** Opens a client's page in a new tab of a browser context, which its tabs share like one profile. */
export async function openTab(
  context: BrowserContext,
  origin: string,
  client: Client,
  gateway: string,
  delivery: Delivery = "body",
): Promise<Page> {
  const page = await context.newPage();
  const query = new URLSearchParams({ gateway, delivery, ...(client.format && { format: client.format }) });
  await page.goto(`${origin}/${client.page}.html?${query}`);
  await page.waitForFunction(() => "call" in window);
  return page;
}

/** Makes a unary call in the page, with the page's client. */
export function callFrom(page: Page, method: string, request: object, token?: string): Promise<Outcome> {
  return page.evaluate<Outcome, Parameters<Call>>((call) => window.call(...call), [method, request, token]);
}
