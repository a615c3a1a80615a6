// The way in: one call makes everything that a frontend needs.

import { createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { withRequestIds, withRetries, type RetryOptions } from "./calls.js";
import { withCallErrors } from "./errors.js";
import { AuthService } from "./gen/invoiceapp/auth/v1/auth_service_pb.js";
import { InvoiceService } from "./gen/invoiceapp/invoice/v1/invoice_service_pb.js";
import { watchInvoices, type InvoiceChange, type WatchOptions } from "./watch.js";
import { Session, type RefreshTokenStore } from "./session.js";

export interface InvoiceAppOptions {
  /** The gateway's address: `https://api.example.com`. */
  readonly baseUrl: string;
  /** What this client calls itself in the list of sessions: `Web console`. At most 100 characters. */
  readonly clientLabel?: string;
  /**
   * Where the refresh token is kept. Default in browsers: a cookie that no script can read, which the gateway sets.
   * Needed in Node, which has no cookies.
   */
  readonly refreshTokens?: RefreshTokenStore;
  /** How calls that may be repeated safely are repeated. */
  readonly retry?: RetryOptions;
  /** How long a call may take in milliseconds unless it says otherwise. Default 10,000. */
  readonly timeout?: number;
  /** Instead of the platform's. */
  readonly fetch?: typeof globalThis.fetch;
  /** Added to every call, inside of retries and sign-in, around the network. */
  readonly interceptors?: readonly Interceptor[];
}

export interface InvoiceApp {
  /** Signs in and out, and keeps the access token. */
  readonly session: Session;
  /** The account: GetMe, UpdateMe, sessions, security events. Signing in and out belongs to {@link session}. */
  readonly account: Client<typeof AuthService>;
  /** Invoices. Mutations get a request id unless they have one, and are repeated safely. */
  readonly invoices: Client<typeof InvoiceService>;
  /**
   * Every change of invoices, for as long as one reads: over lost connections, restarts of the server and new access
   * tokens, without missing one. Ends when its signal is aborted or nobody reads on.
   *
   * ```ts
   * for await (const change of app.watchInvoices({ signal })) {
   *   if (change.kind === "changed") show(change.invoice);
   * }
   * ```
   *
   * @throws CallError UNAUTHENTICATED when the session is over; INVALID_ARGUMENT for a filter that is wrong.
   */
  watchInvoices(options?: WatchOptions): AsyncIterable<InvoiceChange>;
  /** For other services of the contract: `createClient(ProfileService, app.transport)`. Signed in, with retries. */
  readonly transport: Transport;
}

/**
 * A client of one invoice-app.
 *
 * ```ts
 * const app = createInvoiceApp({ baseUrl: "https://api.example.com", clientLabel: "My shop" });
 * if ((await app.session.restore()).status !== "signed-in") await app.session.login(email, password);
 * const invoice = await app.invoices.createInvoice({ invoice: { currencyCode: "EUR", lines } });
 * ```
 */
export function createInvoiceApp(options: InvoiceAppOptions): InvoiceApp {
  const repeated = [withCallErrors, withRequestIds, withRetries(options.retry)];
  const session = new Session({
    transport: transport(options, repeated),
    name: new URL(options.baseUrl).origin,
    clientLabel: options.clientLabel ?? "",
    store: options.refreshTokens,
  });
  const signedIn = transport(options, [...repeated, session.interceptor]);
  const invoices = createClient(InvoiceService, signedIn);
  return {
    session,
    account: createClient(AuthService, signedIn),
    invoices,
    watchInvoices: (options) => watchInvoices(invoices, session, options),
    transport: signedIn,
  };
}

function transport(options: InvoiceAppOptions, interceptors: readonly Interceptor[]): Transport {
  const send = options.fetch ?? globalThis.fetch;
  return createGrpcWebTransport({
    baseUrl: options.baseUrl,
    defaultTimeoutMs: options.timeout ?? 10_000,
    interceptors: [...interceptors, ...(options.interceptors ?? [])],
    // Cookies go along to the gateway, of another origin too; only sign-in calls read them there.
    fetch: (input, init) => send(input, { ...init, credentials: "include" }),
  });
}
