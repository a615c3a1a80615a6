// Following invoices of the real product: the binary of INVOICE_APP_BIN, or target/debug/invoice-app.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp, type App } from "../../e2e/app.js";
import { createInvoiceApp, type InvoiceApp, type InvoiceChange } from "../src/index.js";

const PATIENCE_MS = 20_000;
let product: App;

beforeAll(async () => {
  product = await startApp("http://127.0.0.1:1");
}, 40_000);

afterAll(() => product?.stop(), 40_000);

/** A client that signs up, and another one of the same person. */
async function twoClients(name: string): Promise<[InvoiceApp, InvoiceApp]> {
  const client = () => {
    let token: string | undefined;
    const refreshTokens = { load: async () => token, save: async (saved: string | undefined) => void (token = saved) };
    return createInvoiceApp({ baseUrl: product.gateway, refreshTokens });
  };
  const [one, other] = [client(), client()];
  const email = `${name}@example.com`;
  await one.session.register({ email, password: "tulip harbour violin", displayName: name });
  await other.session.login(email, "tulip harbour violin");
  return [one, other];
}

/** The next change that is one of these. */
async function next(changes: AsyncIterator<InvoiceChange>, ...kinds: InvoiceChange["kind"][]): Promise<InvoiceChange> {
  for (;;) {
    const { value, done } = await changes.next();
    if (done === true) {
      throw new Error("it ended");
    }
    if (kinds.includes(value.kind)) {
      return value;
    }
  }
}

test("what there is is told first, and then what others do", { timeout: PATIENCE_MS }, async () => {
  const [one, other] = await twoClients("ann");
  const draft = await other.invoices.createInvoice({ invoice: { currencyCode: "EUR" } });
  const end = new AbortController();
  const changes = one.watchInvoices({ signal: end.signal })[Symbol.asyncIterator]();
  expect(await next(changes, "changed")).toMatchObject({ invoice: { id: draft.id } });
  await next(changes, "snapshot-end");
  await other.invoices.updateInvoice({ invoice: { id: draft.id, note: "Hello" }, updateMask: { paths: ["note"] } });
  expect(await next(changes, "changed")).toMatchObject({ invoice: { id: draft.id, note: "Hello" } });
  await other.invoices.deleteInvoice({ invoiceId: draft.id });
  expect(await next(changes, "deleted")).toEqual({ kind: "deleted", invoiceId: draft.id });
  end.abort();
  expect((await changes.next()).done).toBe(true);
});

test("a restart of the server is gone over, without missing what happened since", { timeout: 2 * PATIENCE_MS }, async () => {
  const [one, other] = await twoClients("ben");
  const changes = one.watchInvoices()[Symbol.asyncIterator]();
  await next(changes, "snapshot-end");
  const pending = next(changes, "changed");
  await product.restart();
  const draft = await other.invoices.createInvoice({ invoice: { currencyCode: "EUR" } });
  expect(await pending).toMatchObject({ invoice: { id: draft.id } });
  await changes.return?.();
});

test("the end of the session ends it with an error", { timeout: PATIENCE_MS }, async () => {
  const [one, other] = await twoClients("cas");
  const changes = one.watchInvoices()[Symbol.asyncIterator]();
  await next(changes, "snapshot-end");
  const ended = expect(next(changes, "changed")).rejects.toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
  await other.account.revokeOtherSessions({});
  await ended;
  expect(one.session.state.status).toBe("signed-out");
});
