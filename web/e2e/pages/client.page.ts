// A page whose client is @invoice-app/client: what a tab of a real frontend would do.

import { createInvoiceApp, type SessionState } from "../../client/src/index.js";
import { gateway } from "./calls.js";

/** What the tests do in a tab. */
export interface Tab {
  restore(): Promise<SessionState>;
  state(): SessionState;
  register(email: string, password: string): Promise<void>;
  login(email: string, password: string): Promise<void>;
  logout(): Promise<void>;
  /** Creates an empty draft and returns its id. */
  createDraft(): Promise<string>;
  /** The name of whom the access token speaks for. */
  me(): Promise<string>;
  /** Calls of a method that this tab has sent so far. */
  sent(method: string): number;
  /** The access token that the next call would carry. */
  accessToken(): Promise<string>;
}

declare global {
  interface Window {
    tab: Tab;
  }
}

const sent: string[] = [];
const app = createInvoiceApp({
  baseUrl: gateway(),
  clientLabel: "tab",
  interceptors: [
    (next) => (request) => {
      sent.push(request.method.name);
      return next(request);
    },
  ],
});

window.tab = {
  restore: () => app.session.restore(),
  state: () => app.session.state,
  register: async (email, password) => void (await app.session.register({ email, password, displayName: "Ann" })),
  login: async (email, password) => void (await app.session.login(email, password)),
  logout: () => app.session.logout(),
  createDraft: async () => (await app.invoices.createInvoice({ invoice: { currencyCode: "EUR" } })).id,
  me: async () => (await app.account.getMe({})).user?.displayName ?? "",
  sent: (method) => sent.filter((name) => name === method).length,
  accessToken: async () => (await app.session.access()).token,
};
