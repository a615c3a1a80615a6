// Everything around the screens: the server, the answers kept of it, and where the person is.

import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "react-router/dom";
import { Toasts } from "../components/Toasts.js";
import { product } from "./product.js";
import { queries } from "./queries.js";
import { router } from "./routes.js";

export function Console() {
  return (
    <TransportProvider transport={product.transport}>
      <QueryClientProvider client={queries}>
        <Toasts>
          <RouterProvider router={router} />
        </Toasts>
      </QueryClientProvider>
    </TransportProvider>
  );
}
