// Against the real product: the binary of INVOICE_APP_BIN, or target/debug/invoice-app.

import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp, type App } from "../../e2e/app.js";
import { CallError, createInvoiceApp, currencyExponent, type RefreshTokenStore } from "../src/index.js";
import { TaxCategory } from "../src/gen/invoiceapp/invoice/v1/invoice_pb.js";

let product: App;

beforeAll(async () => {
  product = await startApp("http://127.0.0.1:1");
}, 40_000);

afterAll(() => product?.stop(), 40_000);

function client(fetch: typeof globalThis.fetch = globalThis.fetch) {
  let token: string | undefined;
  const refreshTokens: RefreshTokenStore = { load: async () => token, save: async (saved) => void (token = saved) };
  return createInvoiceApp({ baseUrl: product.gateway, clientLabel: "client tests", refreshTokens, fetch });
}

function account(name: string) {
  return { email: `${name}@example.com`, password: "tulip harbour violin", displayName: name };
}

const line = { description: "Design", quantity: "2.5", unitPrice: "80", taxCategory: TaxCategory.STANDARD, taxRate: "19" };

test("a person registers, keeps an exact invoice, comes back and signs out", async () => {
  const app = client();
  const { user } = await app.session.register(account("ann"));
  expect(user.id).toMatch(/^usr_/);
  const created = await app.invoices.createInvoice({ invoice: { currencyCode: "EUR", lines: [line] } });
  expect(created.totals?.grossMinor).toBe(23800n);
  expect((await app.account.getMe({})).user?.displayName).toBe("ann");
  await app.session.logout();
  await expect(app.invoices.getInvoice({ invoiceId: created.id })).rejects.toBeInstanceOf(CallError);
  await app.session.login(account("ann").email, account("ann").password);
});

test("every wrong field is reported at once, with its path and reason", async () => {
  const app = client();
  await app.session.register(account("ben"));
  const wrong = { ...line, quantity: "1,5" };
  const failure = CallError.from(
    await app.invoices.createInvoice({ invoice: { currencyCode: "EURO", lines: [line, wrong] } }).catch((error) => error),
  );
  expect(failure).toMatchObject({ code: Code.InvalidArgument, reason: "FIELDS_INVALID" });
  expect(failure.fieldViolations.map(({ field }) => field).sort()).toEqual([
    "invoice.currency_code",
    "invoice.lines[1].quantity",
  ]);
  expect(failure.requestId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
});

test("a creation whose answer is lost on the way has one effect", async () => {
  let lost = 0;
  const app = client(async (input, init) => {
    const response = await fetch(input, init);
    if (String(input).endsWith("/CreateInvoice") && lost === 0) {
      lost += 1;
      await response.arrayBuffer();
      throw new TypeError("the connection was reset");
    }
    return response;
  });
  await app.session.register(account("cas"));
  const created = await app.invoices.createInvoice({ invoice: { currencyCode: "EUR", lines: [line] } });
  const { invoices } = await app.invoices.listInvoices({});
  expect(lost).toBe(1);
  expect(invoices.map(({ id }) => id)).toEqual([created.id]);
});

test("the currencies have the decimals that the server computes with", async () => {
  const app = client();
  await app.session.register(account("dora"));
  for (const currencyCode of ["EUR", "USD", "JPY", "KRW", "ISK", "CLP", "HUF", "IQD", "KWD", "TND", "UGX", "XOF"]) {
    const one = { description: "One", quantity: "1", unitPrice: "1", taxCategory: TaxCategory.ZERO, taxRate: "0" };
    const preview = await app.invoices.previewInvoice({ invoice: { currencyCode, lines: [one] } });
    expect(preview.totals?.grossMinor, currencyCode).toBe(10n ** BigInt(currencyExponent(currencyCode)));
  }
});
