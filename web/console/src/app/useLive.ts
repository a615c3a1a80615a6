// Keeps what is shown in step with every change, whoever makes it and wherever.

import type { InvoiceChange } from "@invoice-app/client";
import { useEffect } from "react";
import { askAgainForInvoice, refreshLists } from "../api/cache.js";
import { product } from "./product.js";
import { queries } from "./queries.js";

/** Changes of so many milliseconds are shown together, so that a hundred at once ask the server once. */
const TOGETHER_MS = 150;

/** Follows invoices for as long as somebody is signed in. */
export function useLive(): void {
  useEffect(() => {
    const end = new AbortController();
    void follow(end.signal);
    return () => end.abort();
  }, []);
}

async function follow(signal: AbortSignal): Promise<void> {
  let timer: number | undefined;
  try {
    for await (const change of product.watchInvoices({ snapshot: false, signal })) {
      show(change);
      timer ??= window.setTimeout(() => {
        timer = undefined;
        refreshLists();
      }, TOGETHER_MS);
    }
  } catch {
    // The end of the session, which the session itself tells; anything else leaves the page as it would be without.
  } finally {
    window.clearTimeout(timer);
  }
}

function show(change: InvoiceChange): void {
  switch (change.kind) {
    case "changed":
      askAgainForInvoice(change.invoice.id, change.invoice.etag);
      break;
    case "deleted":
      askAgainForInvoice(change.invoiceId, "");
      break;
    case "reset":
      void queries.invalidateQueries();
      break;
    case "left-filter":
    case "snapshot-end":
      break;
  }
}
