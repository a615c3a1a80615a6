// Keeps what was typed through a reload of the page and a new sign-in, in this tab and for this person only.

import type { DraftForm } from "./draft.js";
import type { PendingSave } from "./saver.js";

export interface Stashed {
  readonly form: DraftForm;
  /** The etag of the draft that the person began with. */
  readonly etag: string;
  /** A save that was begun and not answered. */
  readonly pending: PendingSave | null;
}

export class Stash {
  readonly #key: string;

  constructor(userId: string, draftId: string) {
    this.#key = `invoice-app draft ${userId} ${draftId}`;
  }

  read(): Stashed | undefined {
    try {
      const text = sessionStorage.getItem(this.#key);
      return text === null ? undefined : (JSON.parse(text) as Stashed);
    } catch {
      return undefined;
    }
  }

  write(stashed: Stashed): void {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(stashed));
    } catch {
      // No storage, or no room: the page itself still has everything.
    }
  }

  clear(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // Nothing was kept.
    }
  }
}
