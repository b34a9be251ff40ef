import { expect, test } from "vitest";
import { Delivery, FinishReason, Role } from "../src/contract/index.ts";
import { ParleyError } from "../src/errors/index.ts";
import { DEFAULT_ROUTE_SETTINGS } from "../src/routing/route-settings.ts";
import { VirtualRuntime } from "../src/runtime/virtual.ts";
import { InFlightBudget } from "../src/surfaces/in-flight-budget.ts";
import type { UpstreamClient, UpstreamHandler } from "../src/upstream/upstream.ts";
import { InProcessGateway, targetNamed } from "./support/in-process/pipeline.ts";

// What holds of limits where an answer goes on at another target, or is held: with an upstream that a test drives by hand.

interface Call {
  readonly body: { readonly max_completion_tokens?: number; readonly max_tokens?: number };
  readonly say: (text: string) => void;
  readonly finish: (reason: string) => void;
  readonly cut: () => void;
}

class HandUpstream implements UpstreamClient {
  readonly calls: Call[] = [];

  dispatch(request: { readonly body: string }, handler: UpstreamHandler) {
    let isOver = false;
    const send = (value: unknown): void => {
      if (!isOver)
        handler.onData(Buffer.from(`data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`));
    };
    const chunk = (delta: object, finish_reason: string | null) => ({
      id: "c1",
      object: "chat.completion.chunk",
      created: 1,
      model: "m",
      choices: [{ index: 0, delta, finish_reason }],
    });
    handler.onHeaders(200, { "content-type": "text/event-stream" });
    this.calls.push({
      body: JSON.parse(request.body) as Call["body"],
      say: (content) => send(chunk({ content }, null)),
      finish: (reason) => {
        send(chunk({}, reason));
        send("[DONE]");
        if (!isOver) handler.onEnd();
      },
      cut: () => handler.onError(new ParleyError("STREAM_INTERRUPTED", "Cannot read the answer: it was cut")),
    });
    return { pause: () => undefined, resume: () => undefined, abort: () => void (isOver = true) };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function setUp(names: readonly string[], memory?: InFlightBudget) {
  const runtime = new VirtualRuntime();
  const upstream = new HandUpstream();
  const route = { name: "route", targets: names.map(targetNamed), settings: DEFAULT_ROUTE_SETTINGS };
  const gateway = new InProcessGateway(runtime, upstream, [route], memory);
  const ask = (delivery: Delivery, maxOutputTokens?: number) =>
    gateway.ask(
      {
        model: "route",
        messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Tell me a story" } } }] }],
        delivery,
        ...(maxOutputTokens === undefined ? {} : { sampling: { maxOutputTokens } }),
      },
      true,
    );
  return { runtime, calls: upstream.calls, ask, gateway };
}

const limitOf = ({ body }: Call): number | undefined => body.max_completion_tokens ?? body.max_tokens;

test("an answer that is cut when its output limit is used up ends by its limit, and nobody else is asked", async () => {
  const { runtime, calls, ask, gateway } = setUp(["sandbox/echo", "sandbox/story"]);
  const asked = ask(Delivery.AUTO, 5);
  await runtime.advance(0);
  calls[0]!.say("Once upon a time");
  calls[0]!.cut();
  await runtime.advance(0);
  const told = await asked;
  expect(told).toMatchObject({ end: "completed", text: "Once upon a time", attempts: 1, defects: [] });
  expect(told.response?.candidates[0]?.finish?.reason).toBe(FinishReason.MAX_TOKENS);
  // Told as estimated: nobody has counted.
  expect(told.response?.usage?.outputTokens).toBe(6);
  expect(calls.length).toBe(1);
  // The provider has failed, and its books say so.
  expect(gateway.records.map((one) => ("state" in one ? `${one.kind} ${one.state}` : one.kind))).toEqual([
    "forwarded",
    "attempt_ended failed",
    "request_ended failed",
  ]);
  const notYet = setUp(["sandbox/echo", "sandbox/story"]);
  void notYet.ask(Delivery.AUTO, 7);
  await notYet.runtime.advance(0);
  notYet.calls[0]!.say("Once upon a time");
  notYet.calls[0]!.cut();
  await notYet.runtime.advance(0);
  expect(notYet.calls.map(limitOf)).toEqual([7, 1]);
});

test("what a restart repeats counts once against the output limit, however often the answer breaks", async () => {
  const { runtime, calls, ask } = setUp(["sandbox/echo", "same-again/no-prefill", "sandbox/story"]);
  const asked = ask(Delivery.AUTO, 100);
  await runtime.advance(0);
  calls[0]!.say("x".repeat(60));
  calls[0]!.cut();
  await runtime.advance(0);
  // The same again from the start, and three tokens more.
  calls[1]!.say(`${"x".repeat(60)}${"y".repeat(9)}`);
  calls[1]!.cut();
  await runtime.advance(0);
  calls[2]!.say("!");
  calls[2]!.finish("stop");
  const told = await asked;
  expect(told).toMatchObject({ end: "completed", text: `${"x".repeat(60)}${"y".repeat(9)}!`, defects: [] });
  expect(calls.map(limitOf)).toEqual([100, 100, 100 - 23]);
  // Each attempt's own books stay.
  expect(told.response?.attempts.map(({ usage }) => usage?.outputTokens)).toEqual([20, 23, 1]);
});

test("what is held until it is whole is taken from the memory of all requests, and refused where that is used up", async () => {
  const memory = new InFlightBudget(10_000);
  const { runtime, calls, ask } = setUp(["sandbox/echo", "sandbox/story"], memory);
  const whole = ask(Delivery.HOLD);
  await runtime.advance(0);
  calls[0]!.say("x".repeat(4_000));
  const [first] = [memory.usedBytes];
  expect(first).toBeGreaterThan(4_000);
  const refused = ask(Delivery.HOLD);
  await runtime.advance(0);
  calls[1]!.say("x".repeat(4_000));
  expect(memory.usedBytes).toBeGreaterThan(8_000);
  calls[1]!.say("x".repeat(4_000));
  await runtime.advance(0);
  // It is the gateway's own lack, and another target would not help.
  expect(await refused).toMatchObject({ end: "GATEWAY_OVERLOADED", attempts: 1, hadContent: false });
  expect(memory.usedBytes).toBe(first);
  calls[0]!.finish("stop");
  await runtime.advance(0);
  expect((await whole).end).toBe("completed");
  expect(memory.usedBytes).toBe(0);
  expect(calls.length).toBe(2);
  // One that breaks gives back what it held.
  const broken = ask(Delivery.HOLD);
  await runtime.advance(0);
  calls[2]!.say("x".repeat(4_000));
  calls[2]!.cut();
  await runtime.advance(0);
  expect(memory.usedBytes).toBe(0);
  calls[3]!.finish("stop");
  await broken;
  const commit = ask(Delivery.COMMIT);
  await runtime.advance(0);
  calls[4]!.say("x".repeat(4_000));
  expect(memory.usedBytes).toBe(0);
  calls[4]!.finish("stop");
  expect((await commit).end).toBe("completed");
});
