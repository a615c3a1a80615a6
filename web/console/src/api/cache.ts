// Keeps the answers that are shown in step with what has just been learned.

import { createConnectQueryKey } from "@connectrpc/connect-query";
import type { invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { product } from "../app/product.js";
import { queries } from "../app/queries.js";

const { method } = InvoiceService;

/** The server has answered with this invoice as it is now. */
export function rememberInvoice(invoice: pb.Invoice): void {
  queries.setQueryData(invoiceKey(invoice.id), invoice);
  void queries.invalidateQueries({ queryKey: eventsKey(invoice.id) });
  refreshLists();
}

/** An invoice is gone. */
export function forgetInvoice(invoiceId: string): void {
  queries.removeQueries({ queryKey: invoiceKey(invoiceId) });
  refreshLists();
}

/** Whatever shows several invoices asks again. */
export function refreshLists(): void {
  const key = createConnectQueryKey({ schema: method.listInvoices, transport: product.transport, cardinality: "finite" });
  void queries.invalidateQueries({ queryKey: key });
}

export function invoiceKey(invoiceId: string) {
  const { transport } = product;
  return createConnectQueryKey({ schema: method.getInvoice, input: { invoiceId }, transport, cardinality: "finite" });
}

function eventsKey(invoiceId: string) {
  const { transport } = product;
  const input = { invoiceId };
  return createConnectQueryKey({ schema: method.listInvoiceEvents, input, transport, cardinality: "infinite" });
}
