import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { ConstraintsSchema, ErrorReason, Role } from "../src/contract/index.ts";
import type { ForwardedRecord, LedgerRecord } from "../src/ledger/records.ts";
import { DEFAULT_ROUTE_SETTINGS, type TargetSettings } from "../src/routing/route-settings.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { storyText } from "../src/sandbox/index.ts";
import { InProcessGateway, targetNamed } from "./support/in-process/pipeline.ts";
import { SandboxUpstream } from "./support/in-process/sandbox-upstream.ts";
import type { WallRequest } from "./support/wall.ts";

// Copies of requests for targets that serve nobody, in virtual time with the real codecs and the sandbox's own books.

const SERVES: TargetSettings = { weight: 1, quality: undefined, canaryPercent: undefined };
const STORY = "sandbox/story";

function setUp(shadow: string, percent = 100) {
  const runtime = new VirtualRuntime({ seed: 3 });
  const upstream = new SandboxUpstream(runtime);
  const targets = [STORY, shadow].map(targetNamed);
  const settings = { ...DEFAULT_ROUTE_SETTINGS, targets: [SERVES, { ...SERVES, shadowPercent: percent }] };
  const gateway = new InProcessGateway(runtime, upstream, [{ name: "route", targets, settings }]);
  const parts = [{ kind: { case: "text" as const, value: { text: "Tell me a story" } } }];
  const ask = (more: WallRequest = {}, stream = true) =>
    gateway.ask({ model: "route", messages: [{ role: Role.USER, parts }], ...more }, stream);
  const copies = () => upstream.books.attempts.filter(({ format }) => format !== "openai-chat");
  return { runtime, upstream, gateway, ask, copies };
}

function forwards(records: readonly LedgerRecord[]): ForwardedRecord[] {
  return records.filter((one) => one.kind === "forwarded");
}

test.each([true, false])("a copy goes out, streamed: %s, and its answer is nobody's", async (stream) => {
  const { runtime, gateway, ask, copies } = setUp("sandbox-anthropic/fault-slow-first-token@wait_ms=9000");
  const asked = ask({}, stream);
  await runtime.advance(0);
  expect(await asked).toMatchObject({ end: "completed", text: storyText, attempts: 1, defects: [] });
  expect(copies()).toMatchObject([{ ended: "running", stream }]);
  await runtime.advance(9_000);
  expect(copies()).toMatchObject([{ ended: "completed" }]);
  // Each request has its own terminal in the books, and the copy is no key's.
  const [own, copy] = forwards(gateway.records);
  expect(own).toMatchObject({ keyId: "k", attempt: 1 });
  expect(own && "shadow" in own).toBe(false);
  expect(copy).toMatchObject({
    keyId: "",
    requestId: `${own?.requestId}.shadow1`,
    attempt: 1,
    shadow: true,
    hold: undefined,
  });
  const ends = gateway.records.filter((one) => one.kind === "attempt_ended");
  expect(ends).toMatchObject([
    { requestId: own?.requestId, state: "completed" },
    { requestId: copy?.requestId, state: "completed", usage: { outputTokens: expect.any(Number) } },
  ]);
  expect(gateway.records.filter((one) => one.kind === "request_ended").length).toBe(2);
  // Who asks for the trace later sees it.
  const trace = gateway.traces[0]?.describe(runtime.monotonicMs());
  expect(trace?.attempts.length).toBe(1);
  expect(trace?.shadows).toMatchObject([{ target: { provider: "sandbox-anthropic" }, firstContentMs: 9_000 }]);
  expect(trace?.decision?.candidates[1]?.exclusion?.rule).toBe("route.targets.shadow");
  expect(runtime.pendingTimers).toBe(0);
});

test("a copy that fails is nobody's failure, and no request is ever served by a shadow", async () => {
  const { runtime, gateway, ask } = setUp("sandbox-anthropic/fault-500");
  const asked = ask();
  await runtime.advance(1_000);
  expect(await asked).toMatchObject({ end: "completed", attempts: 1, defects: [] });
  expect(gateway.traces[0]?.describe(0).shadows).toMatchObject([{ reason: ErrorReason.PROVIDER_ERROR }]);
  const alone = setUp("sandbox-anthropic/story");
  alone.upstream.dispatch = (_request, handler) => {
    queueMicrotask(() => handler.onHeaders(500, { "content-type": "application/json" }));
    queueMicrotask(() => handler.onEnd());
    return { pause: () => undefined, resume: () => undefined, abort: () => undefined };
  };
  const failed = alone.ask();
  await alone.runtime.advance(60_000);
  expect((await failed).end).toBe("PROVIDER_ERROR");
  for (const { provider, shadow = false } of forwards(alone.gateway.records)) {
    expect(shadow).toBe(provider === "sandbox-anthropic");
  }
});

test("the percentage is one of all requests, and no more than sixteen copies run at once", async () => {
  const some = setUp("sandbox-anthropic/story", 10);
  for (let count = 0; count < 300; count++) {
    const asked = some.ask();
    await some.runtime.advance(0);
    await asked;
  }
  expect(some.copies().length).toBeGreaterThan(15);
  expect(some.copies().length).toBeLessThan(50);
  const slow = setUp("sandbox-anthropic/fault-slow-first-token@wait_ms=5000");
  const asked = Promise.all(Array.from({ length: 40 }, () => slow.ask()));
  await slow.runtime.advance(10);
  expect((await asked).every(({ end }) => end === "completed")).toBe(true);
  expect(slow.copies().length).toBe(16);
  await slow.runtime.advance(6_000);
  const later = slow.ask();
  await slow.runtime.advance(6_000);
  await later;
  expect(slow.copies().length).toBe(17);
});

const constraints = create(ConstraintsSchema, { denyProviders: ["sandbox-anthropic"] });
const stateful = [
  {
    format: "sandbox.state",
    payload: { case: "text" as const, value: "signed" },
    origin: { provider: "sandbox", dialect: "openai-chat" },
  },
];
const KEPT_BACK: readonly (readonly [string, WallRequest])[] = [
  ["that the shadow may not get", { routing: { constraints } }],
  ["that allows no target beyond the first", { routing: { allowFallbacks: false } }],
  [
    "that names what is stored at its provider",
    { rawParams: [{ dialect: "openai-chat", json: '{"lookup":{"file_id":"f"}}' }] },
  ],
  [
    "that carries provider state",
    {
      messages: [
        { role: Role.ASSISTANT, parts: [{ kind: { case: "text", value: { text: "Yes" } }, state: stateful }] },
        { role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Tell me a story" } } }] },
      ],
    },
  ],
];

test.each(KEPT_BACK)("no copy is made of a request %s", async (_what, more) => {
  const { runtime, ask, copies, upstream } = setUp("sandbox-anthropic/story");
  const asked = ask(more);
  await runtime.advance(1_000);
  const told = await asked;
  expect(told.defects).toEqual([]);
  expect(copies()).toEqual([]);
  expect(upstream.books.attempts.length).toBe(1);
});
