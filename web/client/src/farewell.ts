// That somebody signed out while the server could not be told. Says nothing of who.

/** Survives the page, in the browser's storage; nowhere else is there a cookie that would outlive a sign-out. */
export class Farewell {
  readonly #key: string;

  constructor(name: string) {
    this.#key = `invoice-app ${name} sign-out`;
  }

  isOwed(): boolean {
    return storage()?.getItem(this.#key) != null;
  }

  owe(owed: boolean): void {
    if (owed) {
      storage()?.setItem(this.#key, "owed");
    } else {
      storage()?.removeItem(this.#key);
    }
  }
}

/** undefined where there is none, or where the browser's settings forbid it. */
function storage(): Storage | undefined {
  try {
    return typeof document === "undefined" ? undefined : window.localStorage;
  } catch {
    return undefined;
  }
}
