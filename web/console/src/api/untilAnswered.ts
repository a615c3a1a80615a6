// Repeats a call until the server has said something, however long it is away.

import { Code } from "@connectrpc/connect";
import { CallError } from "@invoice-app/client";

export interface Waiting {
  /** Milliseconds between tries, beyond those of the client. Default 1,000. */
  readonly pause?: number;
  /** Told when no answer came, before each further try. */
  onWaiting?(): void;
  readonly signal?: AbortSignal;
}

/**
 * `call` must be safe to repeat: it carries a request id, the same each time, so that whatever was lost on the way has one
 * effect. Ends with the server's answer, whether it grants or refuses.
 */
export async function untilAnswered<T>(call: () => Promise<T>, waiting: Waiting = {}): Promise<T> {
  for (;;) {
    waiting.signal?.throwIfAborted();
    try {
      return await call();
    } catch (failure) {
      const error = CallError.from(failure);
      if (!leavesUnknown(error)) {
        throw error;
      }
      waiting.onWaiting?.();
      await pause(error.retryDelay ?? waiting.pause ?? 1_000, waiting.signal);
    }
  }
}

/** Whether the call may or may not have taken effect, so that only repeating it tells. */
function leavesUnknown(error: CallError): boolean {
  return error.isConnectionProblem || error.code === Code.DeadlineExceeded;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
