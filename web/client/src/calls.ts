// What makes a call safe to repeat: a request id, and the knowledge of which calls only read.

import { Code, type Interceptor } from "@connectrpc/connect";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { CallError } from "./errors.js";

/** How failed calls are repeated. */
export interface RetryOptions {
  /** Calls in all, the first included. Default 4; 1 turns repetition off. */
  readonly attempts?: number;
  /** The first pause in milliseconds when the server names none; it doubles each time. Default 200. */
  readonly firstPause?: number;
  /** No pause is longer, in milliseconds, also when the server asks for more: then the call fails. Default 5,000. */
  readonly longestPause?: number;
}

const ONLY_READS = /^(Get|List|Preview|Summarize|Verify|Validate)/;

/** Gives every mutation a request id of its own, unless the caller chose one. Goes outside of {@link withRetries}. */
export const withRequestIds: Interceptor = (next) => async (request) => {
  if (request.stream || request.method.input.field["requestId"] === undefined) {
    return next(request);
  }
  const message = request.message as Message & { requestId: string };
  // A copy: the caller may send the same object twice and mean two invoices.
  const named = { ...message, requestId: message.requestId || crypto.randomUUID() };
  return next({ ...request, message: named });
};

/**
 * Repeats calls that the server could not take or whose answer was lost, when that is safe: those that only read, and
 * mutations under a request id, which take effect once however often they arrive.
 */
export function withRetries(options: RetryOptions = {}): Interceptor {
  const { attempts = 4, firstPause = 200, longestPause = 5_000 } = options;
  return (next) => async (request) => {
    if (request.stream || !isSafe(request.method.input, request.method.name, request.message)) {
      return next(request);
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(request);
      } catch (failure) {
        const error = CallError.from(failure);
        const asked = error.retryDelay ?? firstPause * 2 ** (attempt - 1);
        if (attempt >= attempts || !isPassing(error) || asked > longestPause) {
          throw error;
        }
        // Spread, so that many clients that failed together do not come back together. Never earlier than asked.
        await pause(asked * (1 + Math.random() / 2), request.signal, error);
      }
    }
  };
}

function isSafe(input: DescMessage, method: string, message: Message): boolean {
  const { requestId } = message as Message & { requestId?: string };
  return ONLY_READS.test(method) || (input.field["requestId"] !== undefined && requestId !== "");
}

/** Whether the next try may succeed without anybody doing something. */
function isPassing(error: CallError): boolean {
  return error.code === Code.Unavailable || error.isConnectionProblem;
}

function pause(milliseconds: number, signal: AbortSignal, error: CallError): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(error);
    };
    if (signal.aborted) {
      reject(error);
      return;
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
