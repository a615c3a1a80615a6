// Whether the server answers, as the latest calls have shown.

import { CallError } from "@invoice-app/client";
import type { Interceptor } from "@connectrpc/connect";
import { useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
let away = false;

function know(isAway: boolean): void {
  if (away !== isAway) {
    away = isAway;
    listeners.forEach((listener) => listener());
  }
}

/** Learns from every call, each repetition included. */
export const watchConnection: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    know(false);
    return response;
  } catch (failure) {
    if (!request.signal.aborted) {
      know(CallError.from(failure).isConnectionProblem);
    }
    throw failure;
  }
};

/** True while the server cannot be reached. */
export function useServerAway(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => away,
  );
}
