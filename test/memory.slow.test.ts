import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { MemoryReport } from "./support/memory-child.ts";

// What requests leave behind, in a process of its own so that nothing else is in its heap.
const REQUESTS = 2_000;
const MAX_GROWTH_MIB = 20;
const run = promisify(execFile);

test(`${REQUESTS} good and bad requests leave neither memory nor timers nor sockets behind`, async () => {
  const child = join(import.meta.dirname, "support/memory-child.ts");
  const { stdout } = await run(process.execPath, ["--expose-gc", child, String(REQUESTS)]);
  const { before, after, closed } = JSON.parse(stdout) as MemoryReport;
  expect(after.heapMiB - before.heapMiB).toBeLessThan(MAX_GROWTH_MIB);
  expect(after.timers).toBeLessThanOrEqual(before.timers);
  // Connections to the sandbox are kept, both ends of each in this process: no more than a round needs at once.
  expect(after.resources["TCPSocketWrap"] ?? 0).toBeLessThanOrEqual(40);
  expect(Object.keys(closed.resources).filter((kind) => /TCP|Timeout|Immediate|Worker/.test(kind))).toEqual([]);
});
