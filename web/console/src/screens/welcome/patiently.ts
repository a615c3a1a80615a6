import { CallError } from "@invoice-app/client";

/** Nobody should have to press a button again for so short a time, in milliseconds. */
const LONGEST_WAIT = 4_000;
const TRIES = 4;

/** Makes a call about passwords, and makes it again when the server only asks for a moment's patience. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (failure) {
      const { reason, retryDelay = 0 } = CallError.from(failure);
      if (reason !== "SIGN_IN_THROTTLED" || retryDelay > LONGEST_WAIT || tries === TRIES) {
        throw failure;
      }
      await new Promise((resolve) => setTimeout(resolve, retryDelay));
    }
  }
}
