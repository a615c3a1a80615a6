// Keeps the answers that are shown in step with what has just been learned.

import type { DescMessage, DescMethodUnary } from "@bufbuild/protobuf";
import { createConnectQueryKey } from "@connectrpc/connect-query";
import type { invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { product } from "../app/product.js";
import { queries } from "../app/queries.js";

const { method } = InvoiceService;

/** The server has answered with this invoice as it is now. */
export function rememberInvoice(invoice: pb.Invoice): void {
  queries.setQueryData(invoiceKey(invoice.id), invoice);
  askAgain(method.listInvoiceEvents);
  refreshLists();
}

/** An invoice is gone. */
export function forgetInvoice(invoiceId: string): void {
  queries.removeQueries({ queryKey: invoiceKey(invoiceId) });
  refreshLists();
}

/** Whatever shows several invoices asks again. */
export function refreshLists(): void {
  askAgain(method.listInvoices);
  askAgain(method.summarizeInvoices);
}

/** An invoice has changed: asks for it again where it is shown and is not known at this etag already. */
export function askAgainForInvoice(invoiceId: string, etag: string): void {
  const key = invoiceKey(invoiceId);
  const known = queries.getQueryData<pb.Invoice>(key);
  if (known !== undefined && known.etag !== etag) {
    void queries.invalidateQueries({ queryKey: key });
    askAgain(method.listInvoiceEvents);
  }
}

/** Every answer of this rpc is old; those on the screen are asked for again. */
export function askAgain<I extends DescMessage, O extends DescMessage>(schema: DescMethodUnary<I, O>): void {
  const key = createConnectQueryKey({ schema, transport: product.transport, cardinality: undefined });
  void queries.invalidateQueries({ queryKey: key });
}

export function invoiceKey(invoiceId: string) {
  const { transport } = product;
  return createConnectQueryKey({ schema: method.getInvoice, input: { invoiceId }, transport, cardinality: "finite" });
}
