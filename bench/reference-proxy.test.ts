import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkAnswer, textOfEvents } from "./check.ts";
import { measure } from "./measure.ts";
import { contentChunks, createMockUpstream, eventsPerStream, streamedText } from "./mock-upstream.ts";
import { createReferenceProxy } from "./reference-proxy.ts";
import { restRequest } from "./requests.ts";
import { scenarios, type Scenario } from "./scenarios.ts";
import type { Target } from "./targets.ts";

const servers: Server[] = [];
let mock: Target;
let reference: Target;

async function listen(server: Server): Promise<Target> {
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { pid: process.pid, port, stop: () => Promise.resolve() };
}

async function ask(target: Target, model: string, streams: boolean): Promise<string> {
  const { path, contentType, body } = restRequest(model, streams);
  const headers = { "content-type": contentType };
  const response = await fetch(`http://127.0.0.1:${target.port}${path}`, {
    method: "POST",
    headers,
    body: String(body),
  });
  return response.text();
}

function scenario(name: string): Scenario {
  return scenarios.find((one) => one.name === name)!;
}

beforeAll(async () => {
  mock = await listen(createMockUpstream());
  reference = await listen(createReferenceProxy(`http://127.0.0.1:${mock.port}`));
});

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

describe("createMockUpstream", () => {
  test.each(["bench", "bench-paced"])("streams the promised number of events for %s", async (model) => {
    const body = await ask(mock, model, true);
    expect(body.split("\n\n").length - 1).toBe(eventsPerStream);
    expect(body.match(/"content":"[^"]/g)).toHaveLength(contentChunks);
    expect(textOfEvents(body)).toBe(streamedText);
    expect(body.endsWith('"total_tokens":214}}\n\ndata: [DONE]\n\n')).toBe(true);
  });

  test("answers unary with about 1 KB of JSON", async () => {
    const body = await ask(mock, "bench", false);
    expect(body.length).toBeGreaterThan(900);
    expect(body.length).toBeLessThan(1_400);
    expect(JSON.parse(body)).toMatchObject({ object: "chat.completion", model: "bench" });
  });
});

describe("createReferenceProxy", () => {
  test("passes on what the mock says, byte for byte, since both write compact JSON", async () => {
    for (const [model, streams] of [
      ["bench", false],
      ["bench", true],
      ["bench-paced", true],
    ] as const) {
      expect(await ask(reference, model, streams)).toBe(await ask(mock, model, streams));
    }
  });

  test.each(["unary", "stream", "paced"])("gives the answer that is checked before %s is measured", async (name) => {
    await expect(checkAnswer(scenario(name), reference)).resolves.toBeUndefined();
  });
});

describe("checkAnswer", () => {
  test("refuses a target that answers something else", async () => {
    const wrong = { ...scenario("unary"), expected: "another answer" };
    await expect(checkAnswer(wrong, reference)).rejects.toThrow("Cannot measure unary: the answer (status 200)");
  });
});

describe("measure", () => {
  const times = { settleMs: 0, sliceMs: 50 };

  test("counts answers, events and first tokens of a load", async () => {
    const slice = await measure(scenario("stream"), reference, times);
    expect(slice.perSecond).toBeGreaterThan(0);
    expect(slice.cpuMicroseconds).toBeGreaterThan(0);
    expect(slice.firstTokenP50Ms).toBeGreaterThan(0);
    expect(slice.latencyP50Ms).toBeGreaterThanOrEqual(slice.firstTokenP50Ms ?? 0);
  });

  test("throws when answers fail, with the first failure", async () => {
    const orphan = await listen(createReferenceProxy("http://127.0.0.1:1"));
    await expect(measure(scenario("unary"), orphan, times)).rejects.toThrow(/answers failed: status 502/);
  });
});
