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

/** Nothing that one person has seen stays for the next. */
export async function signOut(): Promise<void> {
  // The person is out at once; the server is told again later when it cannot be reached.
  await product.session.logout().catch(() => undefined);
  queries.clear();
}
