// Saves drafts so that nothing typed is lost and nothing is saved twice: a save that was not answered is repeated as it
// was, under its request id, before anything newer is sent.

import { fromJsonString, toJsonString, create } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import type { InvoiceApp, invoice as pb } from "@invoice-app/client";
import { CreateInvoiceRequestSchema, UpdateInvoiceRequestSchema } from "@invoice-app/client/services";
import { untilAnswered, type Waiting } from "../../api/untilAnswered.js";
import { EDITED_FIELDS, type InvoiceInit } from "./readDraft.js";

/** A save that was begun, as text, so that it outlives the page. */
export interface PendingSave {
  readonly kind: "create" | "update";
  /** The request as JSON, request id included. */
  readonly request: string;
}

/** `etag` blank: over whatever is there now. */
export function beginSave(invoice: InvoiceInit, stored: { id: string; etag: string } | undefined): PendingSave {
  const requestId = crypto.randomUUID();
  if (stored === undefined) {
    const request = create(CreateInvoiceRequestSchema, { invoice, requestId });
    return { kind: "create", request: toJsonString(CreateInvoiceRequestSchema, request) };
  }
  const updateMask = create(FieldMaskSchema, { paths: EDITED_FIELDS });
  const request = create(UpdateInvoiceRequestSchema, { invoice: { ...invoice, ...stored }, updateMask, requestId });
  return { kind: "update", request: toJsonString(UpdateInvoiceRequestSchema, request) };
}

/** Sends a save until it is answered. */
export function settleSave(
  invoices: Pick<InvoiceApp["invoices"], "createInvoice" | "updateInvoice">,
  { kind, request }: PendingSave,
  waiting: Waiting,
): Promise<pb.Invoice> {
  const options = waiting.signal === undefined ? {} : { signal: waiting.signal };
  return untilAnswered(
    () =>
      kind === "create"
        ? invoices.createInvoice(fromJsonString(CreateInvoiceRequestSchema, request), options)
        : invoices.updateInvoice(fromJsonString(UpdateInvoiceRequestSchema, request), options),
    waiting,
  );
}
