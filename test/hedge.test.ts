import { expect, test } from "vitest";
import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, Delivery, ErrorReason, Priority, Role } from "../src/contract/index.ts";
import { ParleyError } from "../src/errors/index.ts";
import type { HedgeSettings } from "../src/routing/hedge-budget.ts";
import { DEFAULT_ROUTE_SETTINGS, type RouteSettings } from "../src/routing/route-settings.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { storyText } from "../src/sandbox/index.ts";
import { InProcessGateway, targetNamed } from "./support/in-process/pipeline.ts";
import { SandboxUpstream } from "./support/in-process/sandbox-upstream.ts";
import type { WallRequest } from "./support/wall.ts";

// A second target is asked beside one that is slow, in virtual time with the real codecs and the sandbox's own books.

const HEDGE: HedgeSettings = { after: 800, maxPercent: 100 };
const SLOW = "sandbox/fault-slow-first-token@wait_ms=5000";
const STORY = "sandbox-anthropic/story";

const MESSAGE = {
  role: Role.USER,
  parts: [{ kind: { case: "text" as const, value: { text: "Tell me a story" } } }],
};
const GONE = new ParleyError("CANCELLED", "Cancelled: the caller has left");

function setUp(names: readonly string[], settings: Partial<RouteSettings> = {}) {
  const runtime = new VirtualRuntime({ seed: 7 });
  const upstream = new SandboxUpstream(runtime);
  const route = {
    name: "route",
    targets: names.map(targetNamed),
    settings: { ...DEFAULT_ROUTE_SETTINGS, hedge: HEDGE, ...settings },
  };
  const gateway = new InProcessGateway(runtime, upstream, [route]);
  const ask = (
    stream = true,
    more: WallRequest = {},
    options: { abort?: AbortController; timeoutMs?: number } = {},
  ) => {
    return gateway.ask({ model: "route", messages: [MESSAGE], ...more }, stream, options);
  };
  const sent = () => upstream.books.attempts.map(({ model, ended }) => `${model.split("@")[0]} ${ended}`);
  return { runtime, upstream, gateway, ask, sent };
}

test.each([true, false])(
  "the first content of two wins, streamed: %s, and the slow one is cancelled at once",
  async (stream) => {
    const { runtime, gateway, ask, sent } = setUp([SLOW, STORY]);
    const asked = ask(stream);
    await runtime.advance(799);
    expect(sent()).toEqual(["fault-slow-first-token running"]);
    await runtime.advance(1);
    expect(sent()).toEqual(["fault-slow-first-token client_closed", "story completed"]);
    const told = await asked;
    expect(told).toMatchObject({ end: "completed", text: storyText, defects: [], marks: [], attempts: 2 });
    // Each has books of its own, and the one that answered stands last.
    expect(told.response?.attempts).toMatchObject([
      { number: 1, reason: ErrorReason.CANCELLED, startedAfterMs: 0, durationMs: 800 },
      { number: 2, reason: ErrorReason.UNSPECIFIED, startedAfterMs: 800 },
    ]);
    expect(told.response?.attempts[0]?.usage !== undefined).toBe(stream);
    expect(gateway.records.map((one) => [one.kind, "attempt" in one ? one.attempt : 0])).toEqual([
      ["forwarded", 1],
      ["forwarded", 2],
      ["attempt_ended", 1],
      ["attempt_ended", 2],
      ["request_ended", 0],
    ]);
    await runtime.advance(60_000);
    expect(runtime.pendingTimers).toBe(0);
  },
);

test("the first target goes on where its content comes before the other's, which is cancelled", async () => {
  const { runtime, ask, sent } = setUp(["sandbox/fault-slow-first-token@wait_ms=1000", SLOW]);
  const asked = ask();
  await runtime.advance(60_000);
  const told = await asked;
  expect(told).toMatchObject({ end: "completed", text: storyText, defects: [], attempts: 2 });
  expect(told.response?.attempts.map(({ number }) => number)).toEqual([2, 1]);
  expect(sent()).toEqual(["fault-slow-first-token completed", "fault-slow-first-token client_closed"]);
  expect(runtime.pendingTimers).toBe(0);
});

test("nobody else is asked where content comes in time", async () => {
  const { runtime, ask, sent } = setUp(["sandbox/fault-slow-first-token@wait_ms=799", STORY]);
  const asked = ask();
  await runtime.advance(60_000);
  expect(await asked).toMatchObject({ end: "completed", attempts: 1 });
  expect(sent()).toEqual(["fault-slow-first-token completed"]);
});

test("one that fails while the other runs is forgotten, whichever it is", async () => {
  // The second one fails at once.
  const first = setUp(["sandbox/fault-slow-first-token@wait_ms=2000", "sandbox-anthropic/fault-500"]);
  const asked = first.ask();
  await first.runtime.advance(60_000);
  expect(await asked).toMatchObject({ end: "completed", text: storyText, attempts: 2, defects: [] });
  // The first one fails while the second one is at work.
  const second = setUp([
    "sandbox/fault-headers-then-silence",
    "sandbox-anthropic/fault-slow-first-token@wait_ms=14700",
  ]);
  const askedNext = second.ask();
  await second.runtime.advance(60_000);
  const told = await askedNext;
  expect(told).toMatchObject({ end: "completed", text: storyText, attempts: 2, defects: [] });
  expect(told.response?.attempts[0]).toMatchObject({ number: 1, reason: ErrorReason.PROVIDER_TIMEOUT });
});

test("where both fail the next target is asked, as after any failure", async () => {
  const { runtime, ask, sent } = setUp(["sandbox/fault-silence", "sandbox-anthropic/fault-500", STORY]);
  const asked = ask();
  await runtime.advance(60_000);
  expect(await asked).toMatchObject({ end: "completed", text: storyText, attempts: 3, defects: [] });
  expect(sent()).toEqual(["fault-silence client_closed", "fault-500 completed", "story completed"]);
});

test("a refusal of the first target that is the answer ends both; one of the second decides nothing", async () => {
  const refusing = "sandbox/fault-400-filter";
  const slow = "sandbox-anthropic/fault-slow-first-token@wait_ms=2000";
  const { runtime, ask, sent } = setUp([SLOW, refusing]);
  const asked = ask();
  await runtime.advance(60_000);
  expect(await asked).toMatchObject({ end: "completed", attempts: 2 });
  expect(sent()).toContain("fault-400-filter completed");
  const late = new LateUpstream(["fault-400"], 1_000);
  const gateway = new InProcessGateway(late.runtime, late, [
    {
      name: "route",
      targets: [refusing, slow].map(targetNamed),
      settings: { ...DEFAULT_ROUTE_SETTINGS, hedge: HEDGE },
    },
  ]);
  const told = gateway.ask({ model: "route", messages: [MESSAGE] }, true);
  await late.runtime.advance(60_000);
  expect(await told).toMatchObject({ end: "PROVIDER_CONTENT_BLOCKED", attempts: 2, hadContent: false });
  expect(late.books.attempts.map(({ model, ended }) => `${model.split("@")[0]} ${ended}`)).toEqual([
    "fault-slow-first-token client_closed",
    "fault-400-filter completed",
  ]);
});

/** The sandbox, where calls of some models begin late. */
class LateUpstream extends SandboxUpstream {
  readonly runtime: VirtualRuntime;
  /** Words in the requests of those that leave late. */
  late: readonly string[];
  readonly #byMs: number;

  constructor(late: readonly string[], byMs: number, runtime = new VirtualRuntime({ seed: 7 })) {
    super(runtime);
    this.runtime = runtime;
    this.late = late;
    this.#byMs = byMs;
  }

  override dispatch(...[request, handler]: Parameters<SandboxUpstream["dispatch"]>) {
    if (!this.late.some((word) => request.body.includes(`"model":"${word}`))) return super.dispatch(request, handler);
    let call: ReturnType<SandboxUpstream["dispatch"]> | undefined;
    const timer = this.runtime.setTimer(this.#byMs, () => (call = super.dispatch(request, handler)));
    return {
      pause: () => call?.pause(),
      resume: () => call?.resume(),
      abort: () => (call ? call.abort() : timer.cancel()),
    };
  }
}

test("after content a hedged answer that breaks is rescued like any other", async () => {
  const { runtime, ask, sent } = setUp([SLOW, "sandbox-anthropic/fault-cut", "sandbox-responses/story"]);
  const asked = ask(true, { delivery: Delivery.AUTO });
  await runtime.advance(60_000);
  const told = await asked;
  expect(told).toMatchObject({ end: "completed", text: storyText, marks: ["continued"], attempts: 3, defects: [] });
  expect(sent()).toEqual(["fault-slow-first-token client_closed", "fault-cut cut", "story completed"]);
});

test("with hold the first content wins, and nothing leaves until its answer is whole", async () => {
  const { runtime, ask } = setUp([SLOW, STORY]);
  const asked = ask(true, { delivery: Delivery.HOLD });
  await runtime.advance(60_000);
  expect(await asked).toMatchObject({ end: "completed", text: storyText, attempts: 2, defects: [] });
});

test.each<[string, () => Promise<readonly string[]>]>([
  [
    "after the deadline",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY]);
      const asked = ask(true, {}, { timeoutMs: 800 });
      await runtime.advance(60_000);
      expect((await asked).end).toBe("DEADLINE_EXCEEDED");
      return sent();
    },
  ],
  [
    "for a caller who has gone",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY]);
      const abort = new AbortController();
      const asked = ask(true, {}, { abort });
      await runtime.advance(700);
      abort.abort(GONE);
      await runtime.advance(60_000);
      await asked;
      return sent();
    },
  ],
  [
    "where one attempt is allowed",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY]);
      const asked = ask(true, { routing: { maxAttempts: 1 } });
      await runtime.advance(60_000);
      await asked;
      return sent();
    },
  ],
  [
    "where the other target breaks a constraint",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY]);
      const constraints = create(ConstraintsSchema, { denyProviders: ["sandbox-anthropic"] });
      const asked = ask(true, { routing: { constraints } });
      await runtime.advance(60_000);
      await asked;
      return sent();
    },
  ],
  [
    "for a batch",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY], { priority: Priority.BATCH });
      const asked = ask();
      await runtime.advance(60_000);
      await asked;
      return sent();
    },
  ],
  [
    "where the route does not say so",
    async () => {
      const { runtime, ask, sent } = setUp([SLOW, STORY], { hedge: undefined });
      const asked = ask();
      await runtime.advance(60_000);
      await asked;
      return sent();
    },
  ],
])("nobody else is asked %s", async (_when, play) => {
  expect((await play()).filter((one) => one.startsWith("story"))).toEqual([]);
});

test("nobody else is asked where the request names a file of the first provider", async () => {
  const play = async (json: string): Promise<readonly string[]> => {
    const upstream = new LateUpstream(["story"], 5_000);
    const { runtime } = upstream;
    const targets = ["sandbox/story", "sandbox-anthropic/echo"].map(targetNamed);
    const gateway = new InProcessGateway(runtime, upstream, [
      { name: "route", targets, settings: { ...DEFAULT_ROUTE_SETTINGS, hedge: HEDGE } },
    ]);
    const rawParams = [{ dialect: "openai-chat", json }];
    const asked = gateway.ask({ model: "route", messages: [MESSAGE], rawParams }, true);
    await runtime.advance(60_000);
    await asked;
    return upstream.books.attempts.map(({ format }) => format);
  };
  expect(await play('{"lookup":{"file_id":"f"}}')).toEqual(["openai-chat"]);
  expect(await play('{"lookup":{"words":"f"}}')).toEqual(["anthropic-messages"]);
});

test("of a caller who leaves while two run, both are cancelled", async () => {
  const { runtime, ask, sent } = setUp([SLOW, "sandbox-anthropic/fault-silence"]);
  const abort = new AbortController();
  const asked = ask(true, {}, { abort });
  await runtime.advance(1_000);
  expect(sent()).toEqual(["fault-slow-first-token running", "fault-silence running"]);
  abort.abort(GONE);
  await runtime.advance(0);
  expect(sent()).toEqual(["fault-slow-first-token client_closed", "fault-silence client_closed"]);
  expect((await asked).end).toBe("CANCELLED");
  await runtime.advance(60_000);
  expect(runtime.pendingTimers).toBe(0);
});

test("hedges stay within their share of requests, and cost nothing of the budget of extra attempts", async () => {
  const { runtime, upstream, ask } = setUp([SLOW, STORY], { hedge: { after: 800, maxPercent: 5 } });
  const asked = Array.from({ length: 200 }, () => ask());
  await runtime.advance(60_000);
  const ends = await Promise.all(asked);
  expect(new Set(ends.map(({ end }) => end))).toEqual(new Set(["completed"]));
  expect(upstream.books.attempts.filter(({ model }) => model === "story").length).toBe(10);
});

test("after p95 of late: never while too little is known, then where a call takes longer than that", async () => {
  const upstream = new LateUpstream([], 5_000);
  const { runtime } = upstream;
  const hedge: HedgeSettings = { after: "p95", maxPercent: 100 };
  const targets = ["sandbox/story", "sandbox-anthropic/echo"].map(targetNamed);
  const gateway = new InProcessGateway(runtime, upstream, [
    { name: "route", targets, settings: { ...DEFAULT_ROUTE_SETTINGS, hedge } },
  ]);
  const askFor = async (ms: number): Promise<string | undefined> => {
    const asked = gateway.ask({ model: "route", messages: [MESSAGE] }, true);
    await runtime.advance(ms);
    return (await asked).response?.origin?.model;
  };
  upstream.late = ["story"];
  expect(await askFor(10_000)).toBe("story");
  upstream.late = [];
  for (let count = 0; count < 5; count++) expect(await askFor(100)).toBe("story");
  await runtime.advance(61_000);
  for (let count = 0; count < 5; count++) expect(await askFor(100)).toBe("story");
  upstream.late = ["story"];
  expect(await askFor(100)).toBe("echo");
});
