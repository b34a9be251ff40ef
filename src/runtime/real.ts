import { randomBytes } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { Runtime } from "./runtime.ts";

/** The real clock, timers and randomness. */
export function realRuntime(): Runtime {
  // Ids are a random 80-bit prefix per process and a counter: as unique as a UUID for a fifth of its cost.
  const processPrefix = randomBytes(10).toString("hex");
  let counter = 0;
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    afterTurn: (callback) => void setImmediate(callback),
    random: () => Math.random(),
    randomHex: (byteLength) => randomBytes(byteLength).toString("hex"),
    newId(prefix) {
      counter = (counter + 1) >>> 0;
      return `${prefix}_${processPrefix}${counter.toString(16).padStart(8, "0")}`;
    },
  };
}
