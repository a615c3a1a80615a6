// The one connection of the page to invoice-app.

import { createInvoiceApp } from "@invoice-app/client";
import { watchConnection } from "./connection.js";

/** Where the gateway is: it serves this page too, unless a developer's server does. */
const baseUrl: string = import.meta.env["VITE_API_URL"] ?? window.location.origin;

export const product = createInvoiceApp({
  baseUrl,
  clientLabel: clientLabel(navigator.userAgent),
  interceptors: [watchConnection],
});

/** What the list of sessions shows: `Console in Firefox on Linux`. */
function clientLabel(agent: string): string {
  const first = (names: Record<string, RegExp>) => Object.entries(names).find(([, sign]) => sign.test(agent))?.[0];
  const browser = first({ Edge: /Edg\//, Opera: /OPR\//, Firefox: /Firefox\//, Chrome: /Chrom(e|ium)\//, Safari: /Safari\// });
  const system = first({ Android: /Android/, iOS: /iPhone|iPad/, macOS: /Mac OS/, Windows: /Windows/, Linux: /Linux/ });
  return `${browser ?? "Browser"}${system === undefined ? "" : ` on ${system}`}`;
}
