// A process that serves a gateway and its callers, and says what they leave behind: `node --expose-gc
// test/support/memory-child.ts REQUESTS`. Prints one line of JSON.
import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { knownNames, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observe/log.ts";
import { realRuntime } from "../../src/runtime/real.ts";
import type { Runtime, Timer } from "../../src/runtime/runtime.ts";
import { rawDoorsOf, type RawAsk, type RawDoor } from "./raw-doors.ts";
import { chatMessage } from "./refusals.ts";

/** What is there at a moment of rest. */
interface Rest {
  readonly heapMiB: number;
  /** Timers of the gateway's runtime that run. */
  readonly timers: number;
  /** Kinds of resources that keep the process alive, and how many of each. */
  readonly resources: Readonly<Record<string, number>>;
}

/** What the process prints: before the requests, after them, and after the gateway has closed. */
export interface MemoryReport {
  readonly before: Rest;
  readonly after: Rest;
  readonly closed: Rest;
}

const KEY = "memory-test-key-0001";

/** The real runtime with its running timers counted. */
function countingRuntime(): Runtime & { readonly timers: () => number } {
  const runtime = realRuntime();
  const running = new Set<Timer>();
  return {
    ...runtime,
    timers: () => running.size,
    setTimer(delayMs, callback) {
      const inner = runtime.setTimer(delayMs, () => {
        running.delete(timer);
        callback();
      });
      const timer: Timer = {
        cancel() {
          running.delete(timer);
          inner.cancel();
        },
      };
      running.add(timer);
      return timer;
    },
  };
}

/** What callers do, good and bad, by turns. */
const DEEDS: readonly ((door: RawDoor) => RawAsk)[] = [
  (door) => ({ message: chatMessage(door, "sandbox/echo@delay_ms=0", "x".repeat(2000)) }),
  (door) => ({ message: chatMessage(door, "sandbox/story@delay_ms=0,tokens=200") }),
  (door) => ({ message: chatMessage(door, "sandbox/fault-500") }),
  (door) => ({ message: chatMessage(door, "sandbox/fault-cut@delay_ms=0") }),
  (door) => ({ message: chatMessage(door, "sandbox/fault-malformed-event@delay_ms=0") }),
  (door) => ({ message: chatMessage(door, "sandbox/fault-html") }),
  (door) => ({ message: chatMessage(door, "sandbox/fault-reset") }),
  (door) => ({ message: chatMessage(door, `nobody/${Math.random()}`) }),
  (door) => ({ message: chatMessage(door, `sandbox/nothing-${Math.random()}`) }),
  (door) => ({ message: chatMessage(door, "sandbox/echo@delay_ms=0", "long ".repeat(200)) }),
  (door) => ({ message: chatMessage(door, "sandbox/echo").slice(0, -9) }),
  (door) => ({
    message: chatMessage(door, "sandbox/echo"),
    headers: { authorization: "Bearer a-key-of-nobody-at-all" },
  }),
  (door) => ({ message: chatMessage(door, "sandbox/echo"), path: "/nowhere" }),
];

async function main(requests: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "parley-memory-"));
  const runtime = countingRuntime();
  const loaded = loadConfig({
    argv: ["--port", "0", "--data", join(folder, "data")],
    env: { PARLEY_ADMIN_KEY: KEY },
    cwd: folder,
    known: knownNames(),
  });
  const log = createLog({ runtime, redact: (text) => text, write: () => undefined });
  const app = await startApp({ loaded, runtime, log, version: "test" });
  const rest = async (): Promise<Rest> => {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      globalThis.gc?.();
    }
    const resources: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
    return { heapMiB: process.memoryUsage().heapUsed / 1024 / 1024, timers: runtime.timers(), resources };
  };
  await round(app.port, 400);
  const before = await rest();
  await round(app.port, requests);
  const after = await rest();
  await app.close();
  log.close();
  rmSync(folder, { recursive: true });
  const report: MemoryReport = { before, after, closed: await rest() };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** Sends requests through all doors, each door's one after the other, and goes away in the middle of some. */
async function round(port: number, requests: number): Promise<void> {
  const doors = rawDoorsOf(port, KEY);
  let left = requests;
  const work = async (door: RawDoor, offset: number): Promise<void> => {
    for (let turn = offset; left-- > 0; turn++) {
      const deed = DEEDS[turn % DEEDS.length]!;
      await door.ask(deed(door));
      if (turn % 7 === 0) await leave(port, turn % 2 === 0);
    }
  };
  await Promise.all(doors.map(work));
  for (const door of doors) door.close();
}

/** Goes away in the middle of a request, or of its answer. */
function leave(port: number, early: boolean): Promise<void> {
  const body = JSON.stringify({
    model: "sandbox/story@delay_ms=5,tokens=5000",
    stream: true,
    messages: [{ role: "user", content: "go" }],
  });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-type: application/json\r\n`;
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
    socket.once("data", () => socket.destroy());
    socket.write(
      early
        ? `${head.replace(KEY, "nobody-has-this-key-1")}content-length: 9999\r\n\r\n{`
        : `${head}content-length: ${body.length}\r\n\r\n${body}`,
    );
  });
}

await main(Number(process.argv[2]));
