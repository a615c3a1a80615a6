// Who is signed in, for React.

import type { SessionState } from "@invoice-app/client";
import { useEffect, useSyncExternalStore } from "react";
import { product } from "./product.js";
import { queries } from "./queries.js";

const RESTORE_AGAIN_MS = 1_500;

const subscribe = (listener: () => void) => product.session.subscribe(listener);
const current = () => product.session.state;

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, current);
}

/** Finds out at the start of the page whether somebody is signed in, however long the server takes. */
export function useRestoredSession(): SessionState {
  const state = useSession();
  useEffect(() => {
    let timer: number | undefined;
    const restore = () => {
      product.session.restore().catch(() => {
        timer = window.setTimeout(restore, RESTORE_AGAIN_MS);
      });
    };
    restore();
    return () => window.clearTimeout(timer);
  }, []);
  return state;
}

/** The person is out at once; the server is told again later when it cannot be reached. */
export async function signOut(): Promise<void> {
  await product.session.logout().catch(() => undefined);
}

// Nothing that one person has seen stays for the next.
let shownFor = "";
product.session.subscribe((state) => {
  const sessionId = state.status === "signed-in" ? state.sessionId : "";
  if (sessionId !== shownFor) {
    shownFor = sessionId;
    queries.clear();
  }
});
