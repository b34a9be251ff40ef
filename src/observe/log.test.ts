import { afterEach, expect, test } from "vitest";
import { redact } from "../errors/index.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { createLog, type LogOptions, type RootLog } from "./log.ts";

const logs: RootLog[] = [];
afterEach(() => logs.splice(0).forEach((log) => log.close()));

function start(options: Partial<LogOptions> = {}): { log: RootLog; written: string[]; runtime: VirtualRuntime } {
  const written: string[] = [];
  const runtime = new VirtualRuntime();
  const log = createLog({ runtime, redact, write: (lines) => written.push(lines), ...options });
  logs.push(log);
  return { log, written, runtime };
}

test("createLog writes JSON lines after its time, several at once", async () => {
  const { log, written, runtime } = start({ flushMs: 50 });
  log.info("begun", { port: 8080, tls: false, host: undefined });
  log.warn('odd "thing"\n');
  await runtime.advance(49);
  expect(written).toEqual([]);
  await runtime.advance(1);
  expect(written).toHaveLength(1);
  expect(
    written[0]!
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { time: "2023-11-14T22:13:20.000Z", level: "info", message: "begun", port: 8080, tls: false },
    { time: "2023-11-14T22:13:20.000Z", level: "warn", message: 'odd "thing"\n' },
  ]);
  expect(runtime.pendingTimers).toBe(0);
});

test("createLog leaves out lines below its level and gives children their fields", () => {
  const { log, written } = start({ level: "warn" });
  const child = log.child({ surface: "connect" }).child({ request_id: "req_1" });
  child.info("hidden");
  child.error("shown", { attempts: 2 });
  log.flush();
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { message: "shown", surface: "connect", request_id: "req_1", attempts: 2 },
  ]);
});

test("createLog redacts messages, fields and the fields of children", () => {
  const { log, written } = start();
  log.child({ from: "Bearer abcdef123456" }).info("key sk-abcdef123456", { detail: "parley_id_0123456789" });
  log.flush();
  expect(written[0]).not.toMatch(/abcdef123456|0123456789/);
  expect(written[0]).toContain("[redacted]");
});

test("createLog prints no object, whatever a caller without types hands it", () => {
  const { log, written } = start();
  log.info("x", {
    headers: { authorization: "secret" } as unknown as string,
    list: ["secret"] as unknown as string,
    none: null as unknown as string,
  });
  log.flush();
  expect(written[0]).not.toContain("secret");
  expect(JSON.parse(written[0]!)).toMatchObject({ headers: "[object]", list: "[object]", none: "[object]" });
});

test("createLog shortens long texts and writes at once when much is buffered", () => {
  const { log, written } = start({ maxBufferedChars: 1000 });
  log.info("a".repeat(100_000).replaceAll("aaaa", "a b "));
  expect(written).toHaveLength(1);
  expect(written[0]!.length).toBeLessThan(2300);
});

test("createLog writes what is left when the process exits, and at once after close", () => {
  const { log, written } = start();
  log.info("last words");
  const onExit = process.listeners("exit").find(({ name }) => name === "flushOnExit");
  expect(onExit).toBeDefined();
  (onExit as () => void)();
  expect(written.join("")).toContain("last words");
  log.close();
  log.info("after close");
  expect(written.join("")).toContain("after close");
});
