import { useCallback, useEffect, useRef, useState } from "react";
import { untilAnswered } from "./untilAnswered.js";

export interface Action {
  /** Its call is under way. */
  readonly busy: boolean;
  /** The server does not answer; the call is being repeated. */
  readonly waiting: boolean;
  /**
   * Makes the call, and repeats it under one request id until the server has answered. Only one is under way at a time:
   * a second click changes nothing.
   *
   * @returns undefined when one was under way already, or when the screen was left meanwhile.
   */
  run<T>(call: (requestId: string, signal: AbortSignal) => Promise<T>): Promise<T | undefined>;
}

/** Something that a person does once, however the network is. */
export function useAction(): Action {
  const [state, setState] = useState<"idle" | "busy" | "waiting">("idle");
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const run = useCallback(async <T>(call: (requestId: string, signal: AbortSignal) => Promise<T>) => {
    if (running.current !== undefined) {
      return undefined;
    }
    const controller = new AbortController();
    running.current = controller;
    const requestId = crypto.randomUUID();
    setState("busy");
    try {
      return await untilAnswered(() => call(requestId, controller.signal), {
        signal: controller.signal,
        onWaiting: () => setState("waiting"),
      });
    } catch (error) {
      if (controller.signal.aborted) {
        return undefined;
      }
      throw error;
    } finally {
      running.current = undefined;
      setState("idle");
    }
  }, []);
  return { busy: state !== "idle", waiting: state === "waiting", run };
}
