import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readLedger, type ReadRecord } from "../src/ledger/reader.ts";
import { doorsOf } from "./support/doors.ts";
import { HELD_TEXT, HeldUpstream } from "./support/held-upstream.ts";
import { allOf, openRequest, outcomesOf, type LiveRequest } from "./support/live-stream.ts";
import { startGatewayProcess, TestFolder, type GatewayProcess } from "./support/process.ts";

// A gateway that is told to stop while answers are under way on every door. Its provider ends no answer before the test
// says so, hence nothing here depends on how fast the machine is.
const timeout = 60_000;
const FIRST = HELD_TEXT.first;
const WHOLE = FIRST + HELD_TEXT.rest;

function start(folder: TestFolder, upstream: HeldUpstream, drain: string): Promise<GatewayProcess> {
  const yaml = `version: 1\nsandbox: true\nserver: { drain: ${drain} }\nproviders:\n  ${upstream.yaml}\n`;
  return startGatewayProcess(folder, { yaml });
}

/** A request through every door, each of them under way and, where it streams, begun. */
async function openAll(gateway: GatewayProcess, upstream: HeldUpstream): Promise<LiveRequest[]> {
  const doors = doorsOf(gateway.url, gateway.localKey);
  const requests = doors.map((door) => openRequest(door, "held/any"));
  await upstream.until(({ waiting }) => waiting === doors.length);
  await Promise.all(requests.map(({ begun }) => begun));
  return requests;
}

/** Resolves to `open`, or the code with which the port refuses a new connection. */
function knock(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve("open");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
  });
}

async function untilRefused(port: number): Promise<void> {
  await expect.poll(() => knock(port), { timeout: 20_000 }).toBe("ECONNREFUSED");
}

const readiness = async (url: string): Promise<string> => {
  const answer = await fetch(`${url}/readyz`);
  return `${answer.status} ${await answer.text()}`;
};

async function recordsOf(gateway: GatewayProcess): Promise<ReadRecord["record"][]> {
  const records: ReadRecord["record"][] = [];
  for await (const { record } of readLedger(join(gateway.dataDir, "ledger"))) records.push(record);
  return records;
}

/** How the attempts and requests of the journal ended, each ending once. */
async function endsOf(gateway: GatewayProcess): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const record of await recordsOf(gateway)) {
    if (record.kind === "partially_streamed") continue;
    const name = "state" in record ? `${record.kind} ${record.state} ${record.reason ?? ""}` : record.kind;
    counts[name.trim()] = (counts[name.trim()] ?? 0) + 1;
  }
  return counts;
}

describe("SIGTERM under live requests on every door", { timeout }, () => {
  test("cuts none: not ready at once, still answering for the accept time, then closed, and gone with the last answer", async () => {
    using folder = new TestFolder();
    await using upstream = await HeldUpstream.start();
    await using gateway = await start(folder, upstream, "{ accept: 2500ms, grace: 60s }");
    const requests = await openAll(gateway, upstream);
    const idle = connect(gateway.port, "127.0.0.1");
    idle.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    await new Promise((resolve) => idle.once("data", resolve));
    const idleClosed = new Promise((resolve) => idle.once("close", resolve));

    gateway.process.signal("SIGTERM");
    await expect.poll(() => readiness(gateway.url)).toBe('503 {"status":"draining"}');
    const late = doorsOf(gateway.url, gateway.localKey).map((door) => openRequest(door, "sandbox/echo@delay_ms=0"));
    expect(await outcomesOf(late)).toEqual(allOf(late, "completed (1): Tell me a story"));

    await untilRefused(gateway.port);
    await idleClosed;
    // New requests on the connections of those that still run: HTTP/2 clients were told to go, and find nobody.
    const tooLate = requests.map(({ door }) => openRequest(door, "sandbox/echo"));
    for (const { outcome } of tooLate) expect((await outcome).end).not.toBe("completed");
    expect(requests.filter(({ hasEnded }) => hasEnded())).toEqual([]);

    upstream.letGo();
    expect(await outcomesOf(requests)).toEqual(allOf(requests, `completed (1): ${WHOLE}`));
    expect(await gateway.process.exited).toEqual({ code: 0, signal: null });
    expect(gateway.process.stderr).not.toMatch(/"level":"(warn|error)"/);
    const count = requests.length + late.length;
    expect(await endsOf(gateway)).toEqual({
      forwarded: count,
      "attempt_ended completed": count,
      "request_ended completed": count,
    });
  });

  test("ends what outlives the grace typed, tells the provider, closes the books and is gone", async () => {
    using folder = new TestFolder();
    await using upstream = await HeldUpstream.start();
    await using gateway = await start(folder, upstream, "{ accept: 0s, grace: 300ms }");
    const requests = await openAll(gateway, upstream);
    const streams = requests.filter(({ door }) => door.stream);
    const unary = requests.filter(({ door }) => !door.stream);

    gateway.process.signal("SIGTERM");
    expect(await outcomesOf(streams)).toEqual(allOf(streams, `DRAINING (1): ${FIRST}`));
    expect(await outcomesOf(unary)).toEqual(allOf(unary, "DRAINING (1): "));
    await upstream.until(({ left }) => left === requests.length);
    expect(await gateway.process.exited).toEqual({ code: 0, signal: null });
    expect(await endsOf(gateway)).toEqual({
      forwarded: requests.length,
      "attempt_ended failed draining": requests.length,
      "request_ended failed draining": requests.length,
    });
  });
});

describe("a second signal", { timeout }, () => {
  test("within a second is the same one, a later one ends streams typed", async () => {
    using folder = new TestFolder();
    await using upstream = await HeldUpstream.start();
    // The time of accepting is longer than that second: the port's closing tells that the second is over.
    await using gateway = await start(folder, upstream, "{ accept: 1500ms, grace: 60s }");
    const requests = (await openAll(gateway, upstream)).filter(({ door }) => door.stream);

    // What a terminal's group and npm make of one Ctrl+C.
    gateway.process.signal("SIGINT");
    gateway.process.signal("SIGTERM");
    await gateway.process.until(/"draining"/, "stderr");
    expect(await knock(gateway.port)).toBe("open");
    await untilRefused(gateway.port);
    expect(requests.filter(({ hasEnded }) => hasEnded())).toEqual([]);
    expect(gateway.process.stderr.match(/"draining/g)).toHaveLength(1);

    gateway.process.signal("SIGTERM");
    expect(await outcomesOf(requests)).toEqual(allOf(requests, `DRAINING (1): ${FIRST}`));
    expect(await gateway.process.exited).toEqual({ code: 0, signal: null });
    expect(gateway.process.stderr).toContain('"draining at once"');
  });
});
