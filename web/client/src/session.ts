// A signed-in person: the access token in memory, its renewal, and the end of both.

import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { CallError } from "./errors.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { AuthService, type LoginResponse, type RegisterResponse } from "./gen/invoiceapp/auth/v1/auth_service_pb.js";
import type { Organization, Tokens, User } from "./gen/invoiceapp/auth/v1/user_pb.js";
import { Farewell } from "./farewell.js";
import { Tabs, type Access } from "./tabs.js";

/** Whether somebody is signed in, as far as is known. */
export type SessionState =
  /** Not known yet: call {@link Session.restore}. */
  | { readonly status: "unknown" }
  | { readonly status: "signed-in"; readonly sessionId: string }
  /** `reason` says why it ended by itself: `TOKEN_REVOKED`, `REFRESH_TOKEN_INVALID`, …; blank after a sign-out. */
  | { readonly status: "signed-out"; readonly reason: string };

/** Keeps the refresh token where there are no cookies: a file or a key chain, for programs in Node. */
export interface RefreshTokenStore {
  load(): Promise<string | undefined>;
  /** undefined: forget it. */
  save(refreshToken: string | undefined): Promise<void>;
}

export interface SessionOptions {
  /** Calls auth-service; without the interceptors of this session. */
  readonly transport: Transport;
  /** Tells sessions of different gateways apart among the tabs of a browser. */
  readonly name: string;
  /** What this client calls itself in the list of sessions. */
  readonly clientLabel: string;
  /** Where the refresh token is kept; undefined: in a cookie that no script can read. */
  readonly store: RefreshTokenStore | undefined;
}

/** So long before its end an access token is renewed, so that a call does not arrive with a dead one. */
const EARLY_MS = 30_000;
const COOKIE_DELIVERY = { headers: { "x-token-delivery": "cookie" } };

/** See {@link createInvoiceApp}. */
export class Session {
  readonly #auth: Client<typeof AuthService>;
  readonly #options: SessionOptions;
  readonly #tabs: Tabs;
  readonly #farewell: Farewell;
  readonly #listeners = new Set<(state: SessionState) => void>();
  #state: SessionState = { status: "unknown" };
  #access: Access | undefined;
  #renewal: Promise<Access> | undefined;
  /** Grows with each sign-in and sign-out, so that an answer to an older one changes nothing. */
  #era = 0;
  /** Sessions that have ended here: a tab that does not know it yet cannot bring them back. */
  readonly #ended = new Set<string>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#auth = createClient(AuthService, options.transport);
    this.#farewell = new Farewell(options.name);
    this.#tabs = new Tabs(options.name, {
      current: () => this.#access,
      access: (access) => this.#hear(access),
      signedOut: (sessionId) => this.#hearEnd(sessionId),
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Calls `listener` at every change of {@link state}. Returns what ends that. */
  subscribe(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Finds out at the start of a page or program whether its user is still signed in.
   *
   * @throws CallError when that cannot be said now: the network or the server is down. The state stays unknown.
   */
  async restore(): Promise<SessionState> {
    if (this.#isUnknown() && this.#farewell.isOwed()) {
      // Somebody signed out while the server could not be told; the cookie does not bring that person back.
      this.#end("");
      await this.#tellOfLogout("", undefined);
    }
    if (this.#isUnknown()) {
      try {
        await this.#renew(undefined);
      } catch (error) {
        if (this.#isUnknown()) {
          throw error;
        }
      }
    }
    return this.#state;
  }

  /** Makes an account and an organization, and signs in. */
  async register(account: {
    email: string;
    password: string;
    displayName: string;
    organizationName?: string;
  }): Promise<{ user: User; organization: Organization }> {
    const request = { ...account, clientLabel: this.#options.clientLabel };
    return this.#signIn(() => this.#auth.register(request, this.#delivery()));
  }

  /** Signs in. */
  async login(email: string, password: string): Promise<{ user: User; organization: Organization }> {
    const request = { email, password, clientLabel: this.#options.clientLabel };
    return this.#signIn(() => this.#auth.login(request, this.#delivery()));
  }

  /** Replaces the password. Every other session of the user ends; this one goes on. */
  async changePassword(currentPassword: string, newPassword: string): Promise<void> {
    await this.access();
    await this.#tabs.exclusively(async () => {
      const { token } = this.#access ?? refuse("");
      const era = this.#era;
      const { tokens } = await this.#auth.changePassword(
        { currentPassword, newPassword },
        { headers: { ...this.#delivery().headers, authorization: `Bearer ${token}` } },
      );
      await this.#take(tokens, era);
    });
  }

  /**
   * Signs out, here and in the other tabs. The person is signed out here even if the server cannot be told; then that is
   * made up for by {@link restore} at the next start.
   *
   * @throws CallError when the server was not told: until then the session goes on there.
   */
  async logout(): Promise<void> {
    const access = this.#access;
    const refreshToken = (await this.#options.store?.load()) ?? "";
    this.#end("");
    if (access !== undefined) {
      this.#tabs.signedOut(access.sessionId);
    }
    await this.#options.store?.save(undefined);
    this.#farewell.owe(this.#options.store === undefined);
    await this.#tellOfLogout(refreshToken, access);
  }

  /** Ends every session of the user at every device, and signs out. */
  async logoutEverywhere(): Promise<void> {
    const { token } = await this.access();
    await this.#auth.revokeOtherSessions({}, { headers: { authorization: `Bearer ${token}` } });
    await this.logout();
  }

  /**
   * A valid access token, renewed first when it ends soon.
   *
   * @throws CallError UNAUTHENTICATED when nobody is signed in; the network's.
   */
  async access(): Promise<Access> {
    const access = this.#access;
    return access !== undefined && Date.now() < access.expireTime - EARLY_MS ? access : this.#renew(access?.token);
  }

  /**
   * Another access token than `token`, which a service has refused: for who reads a stream, which is not repeated here.
   *
   * @throws CallError UNAUTHENTICATED when the session is over; the network's.
   */
  async replace(token: string): Promise<Access> {
    return this.#renew(token);
  }

  /** Puts the access token on calls, renews it when a service says that it has ended, and notices revocations. */
  readonly interceptor: Interceptor = (next) => async (request) => {
    const { token } = await this.access();
    request.header.set("authorization", `Bearer ${token}`);
    try {
      return await next(request);
    } catch (failure) {
      const error = CallError.from(failure);
      // A stream is opened again by who reads it.
      if (error.code !== Code.Unauthenticated || !error.reason.startsWith("TOKEN_") || request.stream) {
        throw error;
      }
      // A revoked token too: the session may go on under newer ones, as after a change of the password in another tab.
      const renewed = await this.#renew(token);
      request.header.set("authorization", `Bearer ${renewed.token}`);
      return next(request);
    }
  };

  /** Frees what the session holds of the browser. The person stays signed in. */
  close(): void {
    this.#listeners.clear();
    this.#tabs.close();
  }

  /** Another access token than `stale`. However many ask at once, in however many tabs, one exchange is made. */
  async #renew(stale: string | undefined): Promise<Access> {
    if (this.#state.status === "signed-out") {
      refuse(this.#state.reason);
    }
    this.#renewal ??= this.#tabs
      .exclusively(() => this.#exchange(stale))
      .finally(() => {
        this.#renewal = undefined;
      });
    return this.#renewal;
  }

  async #exchange(stale: string | undefined): Promise<Access> {
    const era = this.#era;
    // While this tab waited for its turn another one may have renewed it.
    const known = this.#access;
    if (known !== undefined && known.token !== stale && Date.now() < known.expireTime - EARLY_MS) {
      return known;
    }
    const refreshToken = await this.#options.store?.load();
    if (this.#options.store !== undefined && refreshToken === undefined) {
      this.#end("");
      refuse("");
    }
    try {
      const { tokens } = await this.#auth.refreshToken({ refreshToken: refreshToken ?? "" }, this.#delivery());
      return await this.#take(tokens, era);
    } catch (failure) {
      const error = CallError.from(failure);
      if (error.code === Code.Unauthenticated && era === this.#era) {
        // At the first start there was nothing to lose, so nothing has ended.
        this.#end(this.#isUnknown() ? "" : error.reason);
        await this.#options.store?.save(undefined);
        if (known !== undefined) {
          this.#tabs.signedOut(known.sessionId);
        }
      }
      throw error;
    }
  }

  /** After every exchange that is under way, so that its answer cannot replace the new cookie. */
  #signIn(call: () => Promise<RegisterResponse | LoginResponse>): Promise<{ user: User; organization: Organization }> {
    return this.#tabs.exclusively(async () => {
      const { user, organization, tokens } = await call();
      this.#era += 1;
      this.#farewell.owe(false);
      await this.#take(tokens, this.#era);
      // The contract promises both.
      return { user: user as User, organization: organization as Organization };
    });
  }

  async #tellOfLogout(refreshToken: string, access: Access | undefined): Promise<void> {
    const authorization = access && { authorization: `Bearer ${access.token}` };
    try {
      await this.#auth.logout({ refreshToken }, { headers: { ...this.#delivery().headers, ...authorization } });
    } catch (failure) {
      if (CallError.from(failure).code !== Code.Unauthenticated) {
        throw failure;
      }
      // There is no session any more, which is what was wanted.
    }
    this.#farewell.owe(false);
  }

  async #take(tokens: Tokens | undefined, era: number): Promise<Access> {
    if (tokens?.accessTokenExpireTime === undefined) {
      throw CallError.from(new Error("the server answered without tokens"));
    }
    const access = {
      token: tokens.accessToken,
      expireTime: Date.now() + lifetime(tokens.accessToken, timestampDate(tokens.accessTokenExpireTime).getTime()),
      sessionId: tokens.sessionId,
    };
    if (era !== this.#era) {
      // Somebody signed out, or in as somebody else, while the answer was on its way.
      refuse("");
    }
    await this.#options.store?.save(tokens.refreshToken);
    this.#adopt(access);
    this.#tabs.share(access);
    return access;
  }

  /** Another tab has a token. */
  #hear(access: Access): void {
    if (this.#ended.has(access.sessionId)) {
      return;
    }
    if (this.#access?.sessionId !== access.sessionId) {
      this.#era += 1;
    }
    this.#adopt(access);
  }

  /** A session ended in another tab. */
  #hearEnd(sessionId: string): void {
    if (this.#access?.sessionId === sessionId) {
      this.#end("");
    }
    this.#ended.add(sessionId);
  }

  #adopt(access: Access): void {
    this.#access = access;
    if (this.#state.status !== "signed-in" || this.#state.sessionId !== access.sessionId) {
      this.#change({ status: "signed-in", sessionId: access.sessionId });
    }
  }

  #end(reason: string): void {
    this.#era += 1;
    if (this.#access !== undefined) {
      this.#ended.add(this.#access.sessionId);
    }
    this.#access = undefined;
    if (this.#state.status !== "signed-out") {
      this.#change({ status: "signed-out", reason });
    }
  }

  #change(state: SessionState): void {
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      listener(state);
    }
  }

  #isUnknown(): boolean {
    return this.#state.status === "unknown";
  }

  #delivery(): { headers: Record<string, string> } {
    return this.#options.store === undefined ? COOKIE_DELIVERY : { headers: {} };
  }
}

/** @throws CallError always: nobody is signed in. */
function refuse(reason: string): never {
  const info = { desc: ErrorInfoSchema, value: { reason: reason || "TOKEN_MISSING", domain: "invoiceapp" } };
  throw CallError.from(new ConnectError("nobody is signed in", Code.Unauthenticated, undefined, [info]));
}

/**
 * How long an access token lives, in milliseconds, by its own two times (RFC 7519: `iat`), since the clock of this machine
 * may be wrong.
 */
function lifetime(token: string, expireTime: number): number {
  try {
    const claims = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { iat } = JSON.parse(atob(claims)) as { iat?: unknown };
    if (typeof iat === "number") {
      return expireTime - iat * 1000;
    }
  } catch {
    // Opaque to this version: the machine's clock has to do.
  }
  return expireTime - Date.now();
}
