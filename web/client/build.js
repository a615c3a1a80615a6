// Compiles src/ into dist/, with types, and reports what the client adds to a page.
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
execFileSync("node_modules/.bin/tsc", { stdio: "inherit" });
const { outputFiles } = await build({
  entryPoints: ["dist/index.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const [bundle] = outputFiles;
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(`${kilobytes(bundle.contents.length)} minified, ${kilobytes(gzipSync(bundle.contents).length)} with gzip`);
