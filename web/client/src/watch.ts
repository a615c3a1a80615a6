// Follows invoices for as long as one likes: opens the stream again whenever it ends, and goes on where it was.

import { Code, type CallOptions, type Client } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { CallError } from "./errors.js";
import type { Invoice } from "./gen/invoiceapp/invoice/v1/invoice_pb.js";
import type { InvoiceService, ListInvoicesRequest_FilterSchema } from "./gen/invoiceapp/invoice/v1/invoice_service_pb.js";
import type { WatchInvoicesResponse } from "./gen/invoiceapp/invoice/v1/invoice_watch_pb.js";

/** What WatchInvoices tells, in its order. */
export type InvoiceChange =
  /** An invoice of the first state, a new one, or one that has changed; without its payments, as in lists. */
  | { readonly kind: "changed"; readonly invoice: Invoice }
  | { readonly kind: "deleted"; readonly invoiceId: string }
  /** It has changed and is none of those that the filter names. */
  | { readonly kind: "left-filter"; readonly invoiceId: string }
  /** All invoices that there were have been told. */
  | { readonly kind: "snapshot-end" }
  /**
   * The server does not know any more what happened since the last change that it told. With `snapshot` the first state
   * follows anew, up to `snapshot-end`: forget what is not told again. Without it, read again what you show.
   */
  | { readonly kind: "reset" };

export interface WatchOptions {
  /** Which invoices. Default: all. */
  readonly filter?: MessageInitShape<typeof ListInvoicesRequest_FilterSchema>;
  /** Begin with all invoices that there are. Default true; false: begin with what happens from now on. */
  readonly snapshot?: boolean;
  /** Ends it, without an error. */
  readonly signal?: AbortSignal;
  /** The pause before the second try in milliseconds; it doubles up to 20 times as much. Default 500. */
  readonly firstPause?: number;
  /** After so many milliseconds without a sign of life, a new stream is opened. Default 40,000; the server's beat is 15,000. */
  readonly silence?: number;
}

/** What following needs of a session. */
export interface WatchSession {
  access(): Promise<{ readonly token: string }>;
  replace(token: string): Promise<unknown>;
}

/** See {@link InvoiceApp.watchInvoices}. */
export async function* watchInvoices(
  invoices: Pick<Client<typeof InvoiceService>, "watchInvoices">,
  session: WatchSession,
  options: WatchOptions = {},
): AsyncGenerator<InvoiceChange, void, undefined> {
  const { filter, snapshot = true, signal, firstPause = 500, silence = 40_000 } = options;
  let resumeToken = "";
  let failures = 0;
  while (!isAborted(signal)) {
    let token = "";
    try {
      ({ token } = await session.access());
      const request = { ...(filter !== undefined && { filter }), skipSnapshot: !snapshot, resumeToken };
      const open = (call: CallOptions) => invoices.watchInvoices(request, call);
      for await (const message of untilSilent(open, silence, signal)) {
        failures = 0;
        resumeToken = message.resumeToken;
        const change = told(message);
        if (change !== undefined) {
          yield change;
        }
      }
    } catch (failure) {
      if (isAborted(signal)) {
        return;
      }
      const error = CallError.from(failure);
      if (error.reason === "RESUME_TOKEN_EXPIRED") {
        resumeToken = "";
        yield { kind: "reset" };
        continue;
      }
      if (error.code === Code.Unauthenticated && token !== "") {
        await renewed(session, token);
      } else if (!isPassing(error)) {
        throw error;
      }
      await pause(error.retryDelay ?? 0, signal);
    }
    await pause(firstPause * Math.min(20, 2 ** failures) * (0.75 + Math.random() / 2), signal);
    failures += 1;
  }
}

function told({ event }: WatchInvoicesResponse): InvoiceChange | undefined {
  switch (event.case) {
    case "changed":
      return event.value.invoice && { kind: "changed", invoice: event.value.invoice };
    case "deleted":
      return { kind: "deleted", invoiceId: event.value.invoiceId };
    case "leftFilter":
      return { kind: "left-filter", invoiceId: event.value.invoiceId };
    case "snapshotEnd":
      return { kind: "snapshot-end" };
    case "heartbeat":
    case undefined:
      return undefined;
  }
}

/** The messages of one stream, which is given up when nothing comes for `silence` milliseconds: its network is gone. */
async function* untilSilent<T>(
  open: (call: CallOptions) => AsyncIterable<T>,
  silence: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const attempt = new AbortController();
  const end = () => attempt.abort();
  signal?.addEventListener("abort", end, { once: true });
  let timer = setTimeout(end, silence);
  try {
    // A stream has no deadline.
    for await (const message of open({ signal: attempt.signal, timeoutMs: 0 })) {
      clearTimeout(timer);
      yield message;
      timer = setTimeout(end, silence);
    }
  } catch (failure) {
    if (!attempt.signal.aborted) {
      throw failure;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    end();
  }
}

/** @throws CallError UNAUTHENTICATED when the session is over; nothing when only the network is away. */
async function renewed(session: WatchSession, token: string): Promise<void> {
  try {
    await session.replace(token);
  } catch (failure) {
    const error = CallError.from(failure);
    if (!isPassing(error)) {
      throw error;
    }
  }
}

/** Whether a later try may succeed without anybody doing something. */
function isPassing(error: CallError): boolean {
  const codes = [Code.Unavailable, Code.ResourceExhausted, Code.DeadlineExceeded, Code.Aborted, Code.Internal];
  return error.isConnectionProblem || codes.includes(error.code) || (error.code === Code.Unknown && error.reason === "");
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
    if (isAborted(signal)) {
      end();
    }
  });
}
