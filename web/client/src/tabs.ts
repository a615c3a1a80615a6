// What the tabs of one browser tell each other: nothing is stored, so nothing stays behind when the last one closes.

/** An access token and what is known of it. */
export interface Access {
  readonly token: string;
  /** When it ends by the clock of this machine, in milliseconds since 1970. */
  readonly expireTime: number;
  readonly sessionId: string;
}

type Note =
  | { readonly kind: "access"; readonly access: Access }
  | { readonly kind: "signed-out"; readonly sessionId: string }
  | { readonly kind: "hello" };

/** The other tabs of this browser that use the same gateway. Alone, in Node and in browsers without channels. */
export class Tabs {
  readonly #name: string;
  readonly #channel: BroadcastChannel | undefined;
  #alone: Promise<unknown> = Promise.resolve();

  constructor(
    name: string,
    private readonly on: { current(): Access | undefined; access(access: Access): void; signedOut(sessionId: string): void },
  ) {
    this.#name = `invoice-app ${name}`;
    // Node has BroadcastChannel too, but there are no tabs in Node, and an open channel would keep the process alive.
    this.#channel = typeof document === "undefined" ? undefined : new BroadcastChannel(this.#name);
    this.#channel?.addEventListener("message", ({ data }: MessageEvent<Note>) => this.#read(data));
    this.#send({ kind: "hello" });
  }

  /** Gives the others the newest access token, so that they need not ask the server. */
  share(access: Access): void {
    this.#send({ kind: "access", access });
  }

  /** Tells the others that a session is over. */
  signedOut(sessionId: string): void {
    this.#send({ kind: "signed-out", sessionId });
  }

  /**
   * Runs `work` while no other tab runs its own. Whatever replaces the refresh token goes through here, so that no answer
   * overwrites the cookie of a later one.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (typeof navigator !== "undefined" && "locks" in navigator && this.#channel !== undefined) {
      return navigator.locks.request(this.#name, work) as Promise<T>;
    }
    const next = this.#alone.then(work, work);
    this.#alone = next.catch(() => undefined);
    return next;
  }

  close(): void {
    this.#channel?.close();
  }

  #send(note: Note): void {
    this.#channel?.postMessage(note);
  }

  #read(note: Note): void {
    switch (note.kind) {
      case "access":
        this.on.access(note.access);
        break;
      case "signed-out":
        this.on.signedOut(note.sessionId);
        break;
      case "hello": {
        const current = this.on.current();
        if (current !== undefined) {
          this.share(current);
        }
        break;
      }
    }
  }
}
