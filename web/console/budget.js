// Fails the build when opening the console takes more script than promised: the entry, and the largest screen with it.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 200_000; // bytes with gzip
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));

/** The chunks that the browser loads with this one. */
function closure(name, found = new Set()) {
  if (!found.has(name)) {
    found.add(name);
    for (const imported of manifest[name].imports ?? []) closure(imported, found);
  }
  return found;
}

const size = (names) =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(`dist/${manifest[name].file}`)).length, 0);

const entry = closure("index.html");
const screens = manifest["index.html"].dynamicImports ?? [];
const loads = screens.map((screen) => ({ screen, bytes: size(new Set([...entry, ...closure(screen)])) }));
loads.sort((a, b) => b.bytes - a.bytes);
const largest = loads[0]?.bytes ?? size(entry);

// Only for this; the gateway need not serve it.
rmSync("dist/.vite", { recursive: true });

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(`scripts with gzip: ${kilobytes(size(entry))} to sign in`);
for (const { screen, bytes } of loads) console.log(`  ${kilobytes(bytes)} to open ${screen}`);
if (largest > BUDGET) {
  console.error(`over the budget of ${kilobytes(BUDGET)}`);
  process.exit(1);
}
