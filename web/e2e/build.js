// Bundles what the browser loads (pages/) and what Node runs (tests/) into dist/.
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const sources = (folder) => readdirSync(folder).map((name) => `${folder}/${name}`);

rmSync("dist", { recursive: true, force: true });
const shared = { bundle: true, format: "esm", target: "es2022", logLevel: "warning" };
await build({
  ...shared,
  entryPoints: sources("pages").filter((path) => path.endsWith(".page.ts")),
  platform: "browser",
  outdir: "dist/pages",
});
await build({
  ...shared,
  entryPoints: sources("tests").filter((path) => path.endsWith(".test.ts")),
  platform: "node",
  packages: "external",
  outdir: "dist/tests",
});
