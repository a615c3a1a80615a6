import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { withCallErrors } from "../src/errors.js";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { AuthService } from "../src/gen/invoiceapp/auth/v1/auth_service_pb.js";
import { TokensSchema } from "../src/gen/invoiceapp/auth/v1/user_pb.js";
import { InvoiceSchema } from "../src/gen/invoiceapp/invoice/v1/invoice_pb.js";
import { InvoiceService } from "../src/gen/invoiceapp/invoice/v1/invoice_service_pb.js";
import { Session, type RefreshTokenStore, type SessionState } from "../src/session.js";

const MINUTE_MS = 60_000;

function refusal(reason: string): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "invoiceapp" } };
  return new ConnectError("no", Code.Unauthenticated, undefined, [info]);
}

/** Services that sign in one person, count refreshes and accept the newest access token only. */
class Services {
  refreshes = 0;
  lifetime = 10 * MINUTE_MS;
  delivery: (string | null)[] = [];
  refreshFailure: ConnectError | undefined;
  newest = "";
  logouts: string[] = [];
  /** What began and ended, in order. */
  events: string[] = [];
  others = 0;

  tokens(step: number) {
    this.newest = `access ${step}`;
    return create(TokensSchema, {
      accessToken: this.newest,
      accessTokenExpireTime: timestampFromMs(Date.now() + this.lifetime),
      refreshToken: `refresh ${step}`,
      sessionId: "ses_1",
    });
  }

  transport(interceptors: Parameters<typeof createRouterTransport>[1] = {}) {
    return createRouterTransport(({ service }) => {
      service(AuthService, {
        login: (_request, { requestHeader }) => {
          this.delivery.push(requestHeader.get("x-token-delivery"));
          this.events.push("login");
          return { tokens: this.tokens(0), user: { id: "usr_1" }, organization: { id: "org_1" } };
        },
        refreshToken: async ({ refreshToken }, { requestHeader }) => {
          this.delivery.push(requestHeader.get("x-token-delivery") ?? refreshToken);
          this.refreshes += 1;
          await new Promise((resolve) => setTimeout(resolve, 5));
          this.events.push("refreshed");
          if (this.refreshFailure !== undefined) {
            throw this.refreshFailure;
          }
          return { tokens: this.tokens(this.refreshes) };
        },
        logout: (_request, { requestHeader }) => {
          this.logouts.push(requestHeader.get("authorization") ?? "");
          return {};
        },
        changePassword: async ({ newPassword }) => {
          this.newest = "";
          await new Promise((resolve) => setTimeout(resolve, 20));
          this.events.push(newPassword);
          return { tokens: this.tokens(100) };
        },
        revokeOtherSessions: () => {
          this.others += 1;
          return {};
        },
      });
      service(InvoiceService, {
        getInvoice: (_request, { requestHeader }) => {
          if (requestHeader.get("authorization") !== `Bearer ${this.newest}`) {
            throw refusal("TOKEN_EXPIRED");
          }
          return create(InvoiceSchema, { id: "inv_1" });
        },
      });
    }, interceptors);
  }
}

function memory(token?: string): RefreshTokenStore & { token: string | undefined } {
  return {
    token,
    async load() {
      return this.token;
    },
    async save(saved) {
      this.token = saved;
    },
  };
}

function open(services: Services, store?: RefreshTokenStore) {
  const session = new Session({
    transport: services.transport({ transport: { interceptors: [withCallErrors] } }),
    name: "test",
    clientLabel: "tests",
    store,
  });
  const states: SessionState[] = [];
  session.subscribe((state) => states.push(state));
  const signedIn = services.transport({ transport: { interceptors: [withCallErrors, session.interceptor] } });
  return { session, states, invoices: createClient(InvoiceService, signedIn) };
}

describe("a session", () => {
  test("signing in by cookie asks for cookies and calls carry the token", async () => {
    const services = new Services();
    const { session, states, invoices } = open(services);
    await session.login("ann@example.com", "password");
    await invoices.getInvoice({});
    expect(services.delivery).toEqual(["cookie"]);
    expect(services.refreshes).toBe(0);
    expect(states).toEqual([{ status: "signed-in", sessionId: "ses_1" }]);
  });

  test("with a store of its own it asks for no cookies and keeps the newest refresh token there", async () => {
    const services = new Services();
    const store = memory();
    const { session } = open(services, store);
    await session.login("ann@example.com", "password");
    expect([services.delivery, store.token]).toEqual([[null], "refresh 0"]);
    services.lifetime = 0;
    await session.login("ann@example.com", "password");
    await session.access();
    expect(store.token).toBe("refresh 1");
  });

  test("fifty calls with an ended token make one refresh and all succeed", async () => {
    const services = new Services();
    const { session, invoices } = open(services);
    await session.login("ann@example.com", "password");
    services.newest = "another";
    await Promise.all(Array.from({ length: 50 }, () => invoices.getInvoice({})));
    expect(services.refreshes).toBe(1);
  });

  test("a token that ends soon is renewed before it is used", async () => {
    const services = new Services();
    services.lifetime = 10_000;
    const { session, invoices } = open(services);
    await session.login("ann@example.com", "password");
    services.lifetime = 10 * MINUTE_MS;
    await invoices.getInvoice({});
    await invoices.getInvoice({});
    expect(services.refreshes).toBe(1);
  });

  test("a session that was ended elsewhere signs out with the reason and stays so", async () => {
    const services = new Services();
    const { session, states, invoices } = open(services, memory());
    await session.login("ann@example.com", "password");
    services.newest = "another";
    services.refreshFailure = refusal("REFRESH_TOKEN_REUSED");
    await expect(invoices.getInvoice({})).rejects.toMatchObject({ reason: "REFRESH_TOKEN_REUSED" });
    expect(states.at(-1)).toEqual({ status: "signed-out", reason: "REFRESH_TOKEN_REUSED" });
    await expect(invoices.getInvoice({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(services.refreshes).toBe(1);
  });

  test("a server that is down signs nobody out and is asked once for all calls that wait", async () => {
    const services = new Services();
    const { session, states, invoices } = open(services, memory());
    await session.login("ann@example.com", "password");
    services.newest = "another";
    services.refreshFailure = new ConnectError("down", Code.Unavailable);
    const calls = await Promise.allSettled(Array.from({ length: 20 }, () => invoices.getInvoice({})));
    expect(calls.map((call) => call.status === "rejected" && call.reason.code)).toEqual(Array(20).fill(Code.Unavailable));
    expect(services.refreshes).toBe(1);
    services.refreshFailure = undefined;
    await invoices.getInvoice({});
    expect(states).toHaveLength(1);
  });

  test("a restart restores who was signed in, once, and says when nobody was", async () => {
    const services = new Services();
    const known = open(services, memory("refresh 7"));
    const [first, second] = await Promise.all([known.session.restore(), known.session.restore()]);
    expect([first, second]).toEqual([{ status: "signed-in", sessionId: "ses_1" }, first]);
    expect([services.refreshes, services.delivery]).toEqual([1, ["refresh 7"]]);

    const nobody = open(services, memory());
    expect(await nobody.session.restore()).toEqual({ status: "signed-out", reason: "" });
    expect(services.refreshes).toBe(1);
  });

  test("a restart while the server is down says so and can be repeated", async () => {
    const services = new Services();
    services.refreshFailure = new ConnectError("down", Code.Unavailable);
    const { session } = open(services, memory("refresh 7"));
    await expect(session.restore()).rejects.toMatchObject({ code: Code.Unavailable });
    expect(session.state).toEqual({ status: "unknown" });
    services.refreshFailure = undefined;
    expect((await session.restore()).status).toBe("signed-in");
  });

  test("signing out forgets everything at once, also when the server cannot be told", async () => {
    const services = new Services();
    const store = memory();
    const { session, states } = open(services, store);
    await session.login("ann@example.com", "password");
    await session.logout();
    expect(services.logouts).toEqual(["Bearer access 0"]);
    expect([store.token, states.at(-1)]).toEqual([undefined, { status: "signed-out", reason: "" }]);
    await expect(session.access()).rejects.toMatchObject({ code: Code.Unauthenticated });
  });

  test("an answer to a refresh that arrives after the sign-out signs nobody in again", async () => {
    const services = new Services();
    services.lifetime = 0;
    const store = memory();
    const { session } = open(services, store);
    await session.login("ann@example.com", "password");
    const renewal = session.access();
    await session.logout();
    await expect(renewal).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect([session.state.status, store.token]).toEqual(["signed-out", undefined]);
  });

  test("signing out everywhere ends the other sessions first", async () => {
    const services = new Services();
    const { session } = open(services);
    await session.login("ann@example.com", "password");
    await session.logoutEverywhere();
    expect([services.others, services.logouts.length]).toEqual([1, 1]);
  });

  test("a sign-in waits for the refresh that is under way, so that its cookie is the last one", async () => {
    const services = new Services();
    services.refreshFailure = refusal("REFRESH_TOKEN_INVALID");
    const { session } = open(services);
    const restored = session.restore();
    await Promise.all([restored, session.login("ann@example.com", "password")]);
    expect(services.events).toEqual(["refreshed", "login"]);
    expect(session.state).toEqual({ status: "signed-in", sessionId: "ses_1" });
  });

  test("calls during a change of the password wait for its tokens instead of losing the session", async () => {
    const services = new Services();
    const { session, states, invoices } = open(services);
    await session.login("ann@example.com", "password");
    const change = session.changePassword("password", "another");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([change, invoices.getInvoice({}), invoices.getInvoice({})]);
    expect([services.refreshes, services.events]).toEqual([0, ["login", "another"]]);
    expect(states).toHaveLength(1);
  });

  test("a sign-out during a change of the password stays a sign-out", async () => {
    const services = new Services();
    const { session } = open(services);
    await session.login("ann@example.com", "password");
    const change = session.changePassword("password", "another");
    await new Promise((resolve) => setTimeout(resolve, 5));
    await session.logout();
    await expect(change).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect(session.state.status).toBe("signed-out");
  });

  test("a clock that is wrong by years costs no refresh", async () => {
    const services = new Services();
    const { session, invoices } = open(services);
    const issued = 1_000;
    services.tokens = () => {
      services.newest = `e30.${btoa(JSON.stringify({ iat: issued }))}.sig`;
      return create(TokensSchema, {
        accessToken: services.newest,
        accessTokenExpireTime: timestampFromMs(issued * 1000 + 10 * MINUTE_MS),
        sessionId: "ses_1",
      });
    };
    await session.login("ann@example.com", "password");
    await invoices.getInvoice({});
    expect(services.refreshes).toBe(0);
  });
});
