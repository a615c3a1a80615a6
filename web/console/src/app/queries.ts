// How answers are kept: always shown at once, always asked for again when they may be old.

import { CallError } from "@invoice-app/client";
import { QueryClient } from "@tanstack/react-query";

/** Between tries while the server is away, in milliseconds. The client's own repetitions come before. */
const RETRY_MS = 1_500;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A screen that waits for a server that is away goes on waiting; every other failure is shown.
      retry: (_count, error) => CallError.from(error).isConnectionProblem,
      retryDelay: RETRY_MS,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
