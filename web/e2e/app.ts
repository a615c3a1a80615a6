// Starts the real invoice-app binary for a test: own ports, own data, and ends it.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** A running invoice-app. */
export interface App {
  /** The gateway's address, `http://127.0.0.1:PORT`, or `https://…` when it was given a certificate. */
  gateway: string;
  /** Ends the process, waits for `whileDown`, and starts another one at the same address with the same data. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const binary = process.env["INVOICE_APP_BIN"] ?? "../../target/debug/invoice-app";

/** Starts invoice-app with empty data, one allowed browser origin and these flags, and waits until it serves. */
export async function startApp(allowedOrigin: string, flags: string[] = []): Promise<App> {
  const data = await mkdtemp(join(tmpdir(), "invoice-app-e2e-"));
  const start = (gatewayListen: string) => {
    const listen = ["--gateway-listen", gatewayListen, "--auth-listen", "127.0.0.1:0", "--invoice-listen", "127.0.0.1:0"];
    return spawn(resolve(binary), ["--data-dir", data, ...listen, ...flags], {
      // Nothing of the caller's own configuration.
      env: { PATH: process.env["PATH"], GATEWAY_ALLOWED_ORIGINS: allowedOrigin },
      stdio: ["ignore", "pipe", "pipe"],
    });
  };
  let child = start("127.0.0.1:0");
  const stop = async () => {
    await end(child);
    await rm(data, { recursive: true, force: true });
  };
  try {
    const gateway = await gatewayAddress(child);
    const restart = async (whileDown?: () => Promise<void>) => {
      await end(child);
      await whileDown?.();
      child = start(new URL(gateway).host);
      await gatewayAddress(child);
    };
    return { gateway, restart, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address on the line that names the gateway, among those that invoice-app prints once it serves. */
function gatewayAddress(child: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    let output = "";
    const timer = setTimeout(() => fail("printed no gateway address"), START_TIMEOUT_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      failed(new Error(`${binary}: ${why}\n${output}`));
    };
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const address = /\bgateway\s+(https?:\/\/[\d.]+:\d+)/.exec(output)?.[1];
      if (address !== undefined) {
        clearTimeout(timer);
        found(address);
      }
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended too early (${code ?? signal})`));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
