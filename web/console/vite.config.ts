import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const client = (file: string) => fileURLToPath(new URL(`../client/src/${file}`, import.meta.url));

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: [
      // The client's source, so that both are built and checked as one.
      { find: /^@invoice-app\/client$/, replacement: client("index.ts") },
      { find: /^@invoice-app\/client\/services$/, replacement: client("services.ts") },
    ],
    // One copy, although the client's folder has its own.
    dedupe: ["@bufbuild/protobuf", "@connectrpc/connect", "@connectrpc/connect-web"],
  },
  build: {
    target: "es2022",
    // Where light-dark() is known.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
    manifest: true,
    // The gateway's content security policy has no room for data: URLs.
    assetsInlineLimit: 0,
    // Every browser of the target preloads modules by itself; the polyfill would be an inline script's work.
    modulePreload: { polyfill: false },
  },
  server: { host: "127.0.0.1", port: 5173, strictPort: true },
  test: { include: ["test/**/*.test.ts"] },
});
