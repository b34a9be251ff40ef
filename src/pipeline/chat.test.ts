import { UNLIMITED } from "../policy/principal.ts";
import { freshBudgets } from "../policy/budgets/no-budgets.fixture.ts";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ChatRequestSchema, Role, textPart, type StreamEvent, UsageSource } from "../contract/index.ts";
import { openaiChat } from "../dialects/openai-chat/index.ts";
import { ParleyError, reasonName } from "../errors/index.ts";
import type { Ledger, LedgerRecord } from "../ledger/records.ts";
import type { ProviderAdapter } from "../providers/adapter.ts";
import { Affinity } from "../routing/affinity.ts";
import { LocalPermitSource } from "../policy/rates/local-source.ts";
import { RateLimiter } from "../policy/rates/rate-limiter.ts";
import { ExtraAttempts } from "../routing/extra-attempts.ts";
import { HedgeBudget } from "../routing/hedge-budget.ts";
import type { LiveTargets } from "../routing/live.ts";
import { createLiveTargets } from "../routing/live-targets.ts";
import { ModelTable } from "../routing/model-table.ts";
import type { Target } from "../routing/target.ts";
import { VirtualRuntime } from "../runtime/virtual.ts";
import { Slots } from "../runtime/slots.ts";
import type { UpstreamCall, UpstreamClient, UpstreamHandler } from "../upstream/upstream.ts";
import type { ChatOutcome, EventSink } from "./call.ts";
import { LiveRequests, chat } from "./chat.ts";
import type { ChatParts, LiveConfig } from "./parts.ts";

/** An upstream call that a test drives by hand. */
class ScriptedCall implements UpstreamCall {
  paused = false;
  aborted = false;
  readonly path: string;
  readonly #handler: UpstreamHandler;
  constructor(path: string, handler: UpstreamHandler) {
    this.path = path;
    this.#handler = handler;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(): void {
    this.aborted = true;
  }
  stream(...texts: string[]): void {
    this.#handler.onHeaders(200, { "content-type": "text/event-stream" });
    this.say(...texts);
  }
  say(...texts: string[]): void {
    for (const text of texts) this.raw(chunk({ content: text }));
  }
  raw(data: string): void {
    if (!this.aborted) this.#handler.onData(Buffer.from(`data: ${data}\n\n`));
  }
  finish(): void {
    this.raw(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }));
    this.raw("[DONE]");
    this.#handler.onEnd();
  }
  end(): void {
    this.#handler.onEnd();
  }
  answer(status: number, body: unknown): void {
    this.#handler.onHeaders(status, { "content-type": "application/json" });
    this.#handler.onData(Buffer.from(JSON.stringify(body)));
    this.#handler.onEnd();
  }
  fail(error: ParleyError): void {
    this.#handler.onError(error);
  }
}

function chunk(delta: Record<string, unknown>): string {
  return JSON.stringify({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: null }],
  });
}

function targetNamed(provider: string): Target {
  return { name: `${provider}/m`, provider, model: "m", region: undefined, facts: { capabilities: {}, quirks: [] } };
}

class TestSink implements EventSink {
  readonly events: StreamEvent[] = [];
  onDrain: (() => void) | undefined;
  writable = true;
  write(events: StreamEvent[]): boolean {
    this.events.push(...events);
    return this.writable;
  }
  get kinds(): (string | undefined)[] {
    return this.events.map((event) => event.event.case);
  }
  get text(): string {
    return this.events
      .map(({ event }) =>
        event.case === "blockDelta" && event.value.delta.case === "text" ? event.value.delta.value : "",
      )
      .join("");
  }
}

interface SetUpOptions {
  readonly providers?: string[];
  readonly stream?: boolean;
  readonly timeoutMs?: number;
  readonly ledgerFails?: boolean;
  /** Done before the request is made. */
  readonly before?: (live: LiveTargets) => void;
}

function setUp(options: SetUpOptions = {}) {
  const runtime = new VirtualRuntime();
  const calls: ScriptedCall[] = [];
  const records: LedgerRecord[] = [];
  const upstream: UpstreamClient = {
    dispatch(request, handler) {
      const call = new ScriptedCall(request.path, handler);
      calls.push(call);
      return call;
    },
    close: () => Promise.resolve(),
  };
  const ledger: Ledger = {
    forwarded(record) {
      if (options.ledgerFails) return Promise.reject(new ParleyError("GATEWAY_INTERNAL", "Cannot write the books"));
      records.push(record);
      return Promise.resolve();
    },
    streamed: (record) => void records.push(record),
    ended: (record) => void records.push(record),
    close: () => Promise.resolve(),
  };
  const targets = (options.providers ?? ["one", "two"]).map(targetNamed);
  const adapters = new Map<string, ProviderAdapter>();
  for (const target of targets) {
    adapters.set(target.provider, {
      name: target.provider,
      credentialIds: [`${target.provider}#1`],
      unsupported: () => [],
      prepare: (request, to, stream) => {
        const encoded = openaiChat.encode(request, to, { stream });
        const http = {
          origin: `http://${to.provider}.test`,
          path: `/${to.provider}`,
          method: "POST" as const,
          headers: {},
          body: encoded.body,
        };
        return {
          dialect: openaiChat,
          target: to,
          http,
          authorise: undefined,
          refused: () => undefined,
          credentialId: `${to.provider}#1`,
          adaptations: encoded.adaptations,
        };
      },
    });
  }
  const config: LiveConfig = {
    models: new ModelTable([{ name: "route", targets }], []),
    adapters,
    authenticate: () => ({
      keyId: "k",
      name: "k",
      role: "chat",
      allowsModel: () => true,
      ...UNLIMITED,
    }),
    limits: {
      totalMs: 900_000,
      firstContentMs: 15_000,
      reasoningFirstContentMs: 120_000,
      progressMs: 15_000,
      keepAliveMs: 10_000,
      retryAfterMaxMs: 30_000,
      startupEvents: 64,
      startupBytes: 256 * 1024,
      upstreamEventBytes: 1024 * 1024,
      upstreamResponseBytes: 32 * 1024 * 1024,
      jsonDepth: 64,
    },
  };
  const parts: ChatParts = {
    runtime,
    upstream,
    ledger,
    budgets: freshBudgets(runtime),
    extraAttempts: new ExtraAttempts(runtime),
    rates: new RateLimiter(new LocalPermitSource(runtime), runtime),
    live: createLiveTargets(runtime),
    affinity: new Affinity(runtime),
    hedges: new HedgeBudget(),
    shadows: new Slots(16),
    memory: { tryTake: () => true, give: () => undefined },
    traces: { keep: () => {} },
    vault: { put: () => {}, get: () => undefined, delete: () => {} },
    observer: {
      requestStarted: () => {},
      attemptEnded: () => {},
      ownCallEnded: () => {},
      drifted: () => {},
      requestEnded: () => {},
    },
    current: () => config,
  };
  const live = new LiveRequests();
  const sink = new TestSink();
  const caller = new AbortController();
  const request = create(ChatRequestSchema, {
    model: "route",
    messages: [{ role: Role.USER, parts: [textPart("hi")] }],
  });
  const ask = (to: EventSink): Promise<ChatOutcome> =>
    chat(
      parts,
      live,
      {
        requestId: "req_1",
        caller: { keyId: "k", name: "k", role: "chat", allowsModel: () => true, ...UNLIMITED },
        request,
        stream: options.stream ?? true,
        timeoutMs: options.timeoutMs,
        signal: caller.signal,
        abort: (reason) => caller.abort(reason),
        carriesState: true,
        takesReset: true,
        surface: "test",
      },
      to,
    );
  options.before?.(parts.live);
  const outcome = ask(sink);
  return { runtime, calls, records, sink, caller, live, outcome, ask };
}

async function reasonOf(outcome: Promise<ChatOutcome>): Promise<string> {
  const end = await outcome;
  return end.kind === "failed" ? reasonName(end.error.reason) : "COMPLETED";
}

const unreachable = (): ParleyError => new ParleyError("PROVIDER_UNREACHABLE", "Cannot reach the provider");

describe("chat delivers", () => {
  test("a whole stream: numbered without gaps, one terminal, books before and after", async () => {
    const { runtime, calls, sink, outcome, records, live } = setUp();
    await runtime.advance(0);
    expect(records.map((record) => record.kind)).toEqual(["forwarded"]);
    calls[0]?.stream("Hel", "lo");
    calls[0]?.finish();
    expect(await outcome).toEqual({ kind: "completed" });
    expect(sink.text).toBe("Hello");
    expect(sink.events.map((event) => event.seq)).toEqual(sink.events.map((_, index) => index + 1));
    expect(sink.kinds.filter((kind) => kind === "completed" || kind === "failed")).toEqual(["completed"]);
    expect(records.map((record) => record.kind)).toEqual(["forwarded", "attempt_ended", "request_ended"]);
    expect(live.count).toBe(0);
    expect(runtime.pendingTimers).toBe(0);
  });

  test("a long stream with books that follow it: after 64 events or a second, and not after its end", async () => {
    const { runtime, calls, outcome, records } = setUp();
    const noted = (): unknown[] => records.flatMap((one) => (one.kind === "partially_streamed" ? [one.usage] : []));
    await runtime.advance(0);
    calls[0]?.stream("abc");
    for (let count = 0; count < 60; count++) calls[0]?.say("abc");
    expect(noted()).toEqual([]);
    for (let count = 0; count < 10; count++) calls[0]?.say("abc");
    expect(noted()).toMatchObject([
      { outputTokens: expect.toSatisfy((tokens: number) => tokens > 60 && tokens < 68) as number },
    ]);
    await runtime.advance(999);
    calls[0]?.say("abc");
    expect(noted()).toHaveLength(1);
    await runtime.advance(1);
    calls[0]?.say("abc");
    expect(noted()).toMatchObject([{}, { outputTokens: 73, source: UsageSource.ESTIMATED }]);
    await runtime.advance(5_000);
    calls[0]?.finish();
    await outcome;
    expect(noted()).toHaveLength(2);
    expect(records.slice(-2).map(({ kind }) => kind)).toEqual(["attempt_ended", "request_ended"]);
  });

  test("nothing before the first content, then everything that was held", async () => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream();
    calls[0]?.raw(chunk({ role: "assistant", content: "" }));
    expect(sink.events).toEqual([]);
    calls[0]?.say("x");
    expect(sink.kinds.slice(0, 1)).toEqual(["started"]);
    calls[0]?.finish();
    await outcome;
  });

  test("signs of life while a provider thinks, without numbers, and before started", async () => {
    const { runtime, calls, sink, outcome } = setUp({ providers: ["one"] });
    await runtime.advance(12_000);
    expect(sink.kinds).toEqual(["keptAlive"]);
    expect(sink.events[0]?.seq).toBeUndefined();
    calls[0]?.stream("x");
    expect(sink.events[1]?.seq).toBe(1);
    calls[0]?.finish();
    expect(await reasonOf(outcome)).toBe("COMPLETED");
  });

  test("upstream is paused while the caller cannot take more, and time stands still for it", async () => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(0);
    sink.writable = false;
    calls[0]?.stream("x");
    expect(calls[0]?.paused).toBe(true);
    await runtime.advance(60_000);
    sink.writable = true;
    sink.onDrain?.();
    expect(calls[0]?.paused).toBe(false);
    calls[0]?.finish();
    expect(await reasonOf(outcome)).toBe("COMPLETED");
  });
});

describe("chat fails over before content", () => {
  test("invisibly: the second target's answer is all the caller sees, and both attempts are in the books", async () => {
    const { runtime, calls, sink, outcome, records } = setUp();
    await runtime.advance(0);
    calls[0]?.answer(503, { error: { message: "busy" } });
    await runtime.advance(0);
    expect(calls.map((call) => call.path)).toEqual(["/one", "/two"]);
    calls[1]?.stream("fine");
    calls[1]?.finish();
    expect(await reasonOf(outcome)).toBe("COMPLETED");
    expect(sink.text).toBe("fine");
    const started = sink.events[0]?.event;
    expect(started?.case === "started" && started.value).toMatchObject({ attempt: 2, origin: { provider: "two" } });
    const completed = sink.events.at(-1)?.event;
    expect(completed?.case === "completed" && completed.value.attempts.map((one) => one.target?.provider)).toEqual([
      "one",
      "two",
    ]);
    expect(records.map((record) => record.kind)).toEqual([
      "forwarded",
      "attempt_ended",
      "forwarded",
      "attempt_ended",
      "request_ended",
    ]);
  });

  test("of requests that find a target recovering at once, one is its probe and the others go elsewhere", async () => {
    const failure = { error: unreachable(), durationMs: 1, firstContentMs: undefined, outputTokens: undefined };
    const { runtime, calls, ask } = setUp({
      before(health) {
        for (let count = 0; count < 5; count++) {
          health.begin(targetNamed("one"), "one#1").end({ ...failure, headroom: undefined });
        }
      },
    });
    await runtime.advance(1_000);
    expect(calls.map((call) => call.path)).toEqual(["/two"]);
    for (let count = 0; count < 3; count++) void ask(new TestSink());
    await runtime.advance(0);
    expect(calls.slice(1).map((call) => call.path)).toEqual(["/one", "/two", "/two"]);
  });

  test("what a failed target held back never reaches the caller", async () => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream();
    calls[0]?.raw(chunk({ role: "assistant", content: "" }));
    calls[0]?.fail(unreachable());
    await runtime.advance(0);
    calls[1]?.stream("two");
    calls[1]?.finish();
    await outcome;
    expect(sink.kinds.filter((kind) => kind === "started")).toHaveLength(1);
    expect(sink.text).toBe("two");
  });

  test("a silent target is given up after 15 s, its connection closed, and not tried again", async () => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(15_000);
    expect(calls[0]?.aborted).toBe(true);
    calls[1]?.stream("two");
    calls[1]?.finish();
    expect(await reasonOf(outcome)).toBe("COMPLETED");
    expect(sink.text).toBe("two");
    expect(calls).toHaveLength(2);
  });

  test("a stream that ends without a finish reason before content counts as a failure", async () => {
    const { runtime, calls, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream();
    calls[0]?.end();
    await runtime.advance(0);
    expect(calls).toHaveLength(2);
    calls[1]?.stream("two");
    calls[1]?.finish();
    expect(await reasonOf(outcome)).toBe("COMPLETED");
  });

  test("when every target fails, the caller gets one error with what was tried, and nothing else", async () => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.fail(unreachable());
    await runtime.advance(0);
    calls[1]?.answer(500, { error: { message: "boom" } });
    const end = await outcome;
    expect(end).toMatchObject({ kind: "failed", delivered: false });
    expect(end.kind === "failed" && end.gatewayError.attempts.map((one) => one.target?.provider)).toEqual([
      "one",
      "two",
    ]);
    expect(end.kind === "failed" && end.gatewayError.safeToRetry).toBe(true);
    expect(sink.events).toEqual([]);
  });
});

describe("chat never presents a fragment as an answer", () => {
  test.each<[string, (call: ScriptedCall) => void, string]>([
    ["a cut", (call) => call.fail(new ParleyError("STREAM_INTERRUPTED", "cut")), "STREAM_INTERRUPTED"],
    ["a clean end without a finish reason", (call) => call.end(), "STREAM_INTERRUPTED"],
    ["a malformed event", (call) => call.raw('{"choices":[{"delta":{"content":'), "PROVIDER_BAD_OUTPUT"],
    ["an error event", (call) => call.raw('{"error":{"message":"overloaded","code":503}}'), "PROVIDER_OVERLOADED"],
  ])("%s after content ends with failed, and no other target is called", async (_name, breakIt, reason) => {
    const { runtime, calls, sink, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream("frag");
    breakIt(calls[0]!);
    expect(await reasonOf(outcome)).toBe(reason);
    expect(calls).toHaveLength(1);
    expect(sink.kinds.filter((kind) => kind === "completed" || kind === "failed")).toEqual(["failed"]);
    const last = sink.events.at(-1)?.event;
    const end = await outcome;
    expect(last?.case === "failed" && last.value.error?.errorId).toBe(
      end.kind === "failed" && end.gatewayError.errorId,
    );
    expect(last?.case === "failed" && last.value.error?.safeToRetry).toBe(false);
  });

  test("a stall after content ends typed after 15 s, and what was produced is estimated in the books", async () => {
    const { runtime, calls, sink, outcome, records } = setUp();
    await runtime.advance(0);
    calls[0]?.stream("some text that costs money");
    await runtime.advance(15_000);
    expect(await reasonOf(outcome)).toBe("PROVIDER_TIMEOUT");
    expect(calls[0]?.aborted).toBe(true);
    expect(sink.kinds.at(-1)).toBe("failed");
    const ended = records.find((record) => record.kind === "attempt_ended");
    expect(ended?.kind === "attempt_ended" && ended.usage?.outputTokens).toBeGreaterThan(0);
  });
});

describe("chat ends with its caller", () => {
  test("a caller that leaves cancels the upstream call at once, and no other is made", async () => {
    const { runtime, calls, caller, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream("x");
    caller.abort(new ParleyError("CANCELLED", "The caller left"));
    expect(calls[0]?.aborted).toBe(true);
    expect(await reasonOf(outcome)).toBe("CANCELLED");
    expect(calls).toHaveLength(1);
  });

  test("a caller that leaves while a sole target is waited for makes no second attempt", async () => {
    const { runtime, calls, records, caller, outcome } = setUp({ providers: ["one"] });
    await runtime.advance(0);
    calls[0]!.answer(500, { error: { message: "no" } });
    await runtime.advance(50);
    caller.abort(new ParleyError("CANCELLED", "left"));
    await runtime.advance(5_000);
    expect(await reasonOf(outcome)).toBe("CANCELLED");
    expect(records.filter(({ kind }) => kind === "forwarded")).toHaveLength(1);
    expect([calls.length, runtime.pendingTimers]).toEqual([1, 0]);
  });

  test("one deadline covers all attempts", async () => {
    const { runtime, calls, outcome } = setUp({ timeoutMs: 20_000 });
    await runtime.advance(15_000);
    expect(calls).toHaveLength(2);
    await runtime.advance(5_000);
    expect(await reasonOf(outcome)).toBe("DEADLINE_EXCEEDED");
    expect(calls[1]?.aborted).toBe(true);
  });

  test("a shutdown whose grace is over ends a stream typed", async () => {
    const { runtime, calls, sink, live, outcome } = setUp();
    await runtime.advance(0);
    calls[0]?.stream("x");
    live.stopAll(new ParleyError("DRAINING", "Cannot finish the answer: the gateway is shutting down"));
    expect(await reasonOf(outcome)).toBe("DRAINING");
    expect(sink.kinds.at(-1)).toBe("failed");
  });

  test("nothing leaves when the books cannot be written", async () => {
    const { calls, outcome } = setUp({ ledgerFails: true });
    expect(await reasonOf(outcome)).toBe("GATEWAY_INTERNAL");
    expect(calls).toHaveLength(0);
  });
});

test("a whole answer in one reply folds from the same events", async () => {
  const { runtime, calls, sink, outcome } = setUp({ stream: false });
  await runtime.advance(60_000);
  expect(sink.events).toEqual([]);
  calls[0]?.answer(200, {
    id: "c1",
    object: "chat.completion",
    created: 1,
    model: "m-2026",
    choices: [{ index: 0, message: { role: "assistant", content: "whole", refusal: null }, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  });
  expect(await reasonOf(outcome)).toBe("COMPLETED");
  expect(sink.kinds).toEqual(["started", "blockStarted", "blockFinished", "candidateFinished", "completed"]);
});
