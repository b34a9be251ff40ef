import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  BrokenStreamError,
  FinishReason,
  GatewayErrorSchema,
  GenerateStreamResponseSchema,
  ParleyRequestError,
  StreamEventSchema,
  TruncatedStreamError,
  collect,
  textOf,
  type StreamEvent,
} from "./index.ts";
import {
  answer,
  completed,
  failed,
  finished,
  interrupted,
  keptAlive,
  numbered,
  started,
  textBlock,
  textDelta,
  textPart,
  toolBlock,
  type EventInit,
} from "../test/events.ts";

async function errorOf(events: Iterable<StreamEvent> | AsyncIterable<StreamEvent>): Promise<ParleyRequestError> {
  const error: unknown = await collect(events).then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof ParleyRequestError) return error;
  throw new Error("collect did not throw a ParleyRequestError", { cause: error });
}

async function* thenThrow(events: readonly StreamEvent[], thrown: Error): AsyncGenerator<StreamEvent> {
  yield* events;
  await Promise.reject(thrown);
}

describe("collect", () => {
  test("folds events into the whole answer", async () => {
    const response = await collect(answer(["Hello", ", ", "world"]));
    expect(textOf(response)).toBe("Hello, world");
    expect(response.id).toBe("req_1");
    expect(response.origin?.provider).toBe("sandbox");
    expect(response.usage?.outputTokens).toBe(5);
    expect(response.attempts).toHaveLength(1);
    expect(response.candidates[0]?.finish?.reason).toBe(FinishReason.STOP);
    expect(response.candidates[0]?.message?.origin?.model).toBe("story");
  });

  test("keeps blocks and candidates in their order when they interleave", async () => {
    const events = numbered([
      started,
      ...textBlock(["second"], 0, 1),
      { case: "blockStarted", value: { block: 1, part: textPart("") } },
      ...textBlock(["first "], 0, 0),
      textDelta("rest", 1),
      { case: "blockFinished", value: { block: 1, part: textPart("rest") } },
      finished(FinishReason.STOP, 1),
      finished(),
      completed,
    ]);
    const { candidates } = await collect(events);
    expect(candidates.map((candidate) => textOf(candidate))).toEqual(["first rest", "second"]);
  });

  test("reads the messages of a generated client", async () => {
    const messages = answer(["Hi"]).map((event) => create(GenerateStreamResponseSchema, { event }));
    expect(textOf(await collect(messages))).toBe("Hi");
  });

  test("passes over kept_alive, which has no number", async () => {
    const [first, ...rest] = answer(["Hi"]);
    const alive = numbered([keptAlive]);
    expect(textOf(await collect([...alive, first!, ...alive, ...rest]))).toBe("Hi");
  });

  test("throws TruncatedStreamError with what was delivered when the stream ends without a terminal", async () => {
    const whole = answer(["Hello", ", world"]);
    for (let length = 0; length < whole.length; length++) {
      const error = await errorOf(whole.slice(0, length));
      expect(error).toBeInstanceOf(TruncatedStreamError);
      expect(error.reason).toBe("STREAM_INTERRUPTED");
      expect(error.delivered?.lastSeq).toBe(length);
    }
    const error = await errorOf(whole.slice(0, 3));
    expect(error.delivered?.text).toBe("Hello");
    expect(error.requestId).toBe("req_1");
    expect(error.safeToRetry).toBe(false);
    expect((await errorOf(whole.slice(0, 1))).safeToRetry).toBe(true);
  });

  test("throws TruncatedStreamError when the connection breaks after the first event", async () => {
    const reset = new ConnectError("read ECONNRESET", Code.Aborted);
    const error = await errorOf(thenThrow(answer(["Hello", "!"]).slice(0, 3), reset));
    expect(error).toBeInstanceOf(TruncatedStreamError);
    expect(error.delivered?.text).toBe("Hello");
    expect(error.cause).toBe(reset);
  });

  test("keeps an answer that is complete when only its connection breaks afterwards", async () => {
    const reset = new ConnectError("read ECONNRESET", Code.Aborted);
    expect(textOf(await collect(thenThrow(answer(["Hello"]), reset)))).toBe("Hello");
  });

  test("throws the failed event and the status that repeats it as one error", async () => {
    const events = numbered([started, ...textBlock(["Hel"]).slice(0, 2), failed()]);
    const status = new ConnectError("cut", Code.Unavailable, undefined, [
      { desc: GatewayErrorSchema, value: interrupted() },
    ]);
    const error = await errorOf(thenThrow(events, status));
    expect(error).toMatchObject({
      name: "ParleyRequestError",
      reason: "STREAM_INTERRUPTED",
      fault: "provider",
      retryable: true,
      retryDelayMs: 250,
      safeToRetry: false,
      errorId: "err_1",
      requestId: "req_1",
    });
    expect(error.attempts).toEqual([
      { provider: "sandbox", model: "story", reason: "STREAM_INTERRUPTED", httpStatus: 200, durationMs: 40 },
    ]);
    expect(error.delivered?.text).toBe("Hel");
    expect(error.delivered?.usage?.outputTokens).toBe(2);
  });

  test("throws the status alone when nothing came before it", async () => {
    const status = new ConnectError("no", Code.NotFound, undefined, [
      { desc: GatewayErrorSchema, value: interrupted({ errorId: "err_2", safeToRetry: true }) },
    ]);
    const error = await errorOf(thenThrow([], status));
    expect(error.errorId).toBe("err_2");
    expect(error.safeToRetry).toBe(true);
    expect(error.delivered).toBeUndefined();
  });

  test("throws BrokenStreamError on a gap, a repetition and a missing number", async () => {
    const whole = answer(["a", "b"]);
    const unnumbered = create(StreamEventSchema, { event: { case: "usageUpdated", value: {} } });
    for (const events of [
      whole.filter((_, index) => index !== 2),
      [whole[0]!, whole[0]!, ...whole.slice(1)],
      [whole[0]!, unnumbered, ...whole.slice(1)],
      whole.slice(1),
    ]) {
      expect(await errorOf(events)).toBeInstanceOf(BrokenStreamError);
    }
  });

  test("throws BrokenStreamError on an event after completed", async () => {
    const whole = answer(["a"]);
    const error = await errorOf([...whole, ...numbered([completed], whole.length + 1)]);
    expect(error).toBeInstanceOf(BrokenStreamError);
    expect(error.message).toContain("completed came after completed");
  });

  test("throws BrokenStreamError when completed comes with something unfinished", async () => {
    const cases: EventInit[][] = [
      [started, completed],
      [started, ...textBlock(["a"]).slice(0, 2), finished(), completed],
      [started, ...textBlock(["a"]), completed],
      [started, ...textBlock(["a"]), finished(FinishReason.UNSPECIFIED), completed],
    ];
    for (const events of cases) expect(await errorOf(numbered(events))).toBeInstanceOf(BrokenStreamError);
  });

  test("does not count arguments as whole before their block has finished", async () => {
    const error = await errorOf(numbered([started, ...toolBlock(['{"city":', '"Rome"}']).slice(0, 3)]));
    const part = error.delivered?.candidates[0]?.message?.parts[0];
    expect(part?.kind.value).toMatchObject({ input: { value: '{"city":"Rome"}' }, argumentsInvalid: true });
  });

  test("prints no delivered text with an error", async () => {
    const error = await errorOf(answer(["a secret answer", "!"]).slice(0, 3));
    expect(error.delivered?.text).toBe("a secret answer");
    const { inspect } = await import("node:util");
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain("a secret answer");
    expect(JSON.stringify(error)).not.toContain("a secret answer");
  });
});

describe("newer gateways", () => {
  test("an event of an unknown kind counts in the sequence and changes nothing", async () => {
    // field 1 = seq 2, field 99 = an empty message
    const unknown = fromBinary(StreamEventSchema, new Uint8Array([0x08, 2, 0x9a, 0x06, 0]));
    const [first, ...rest] = answer(["Hi"]);
    for (const event of rest) event.seq = event.seq! + 1;
    expect(textOf(await collect([first!, unknown, ...rest]))).toBe("Hi");
  });

  test("unknown enum values pass through as their numbers", async () => {
    const events = numbered([started, ...textBlock(["Hi"]), finished(FinishReason.STOP), completed]);
    const last = events.at(-2)!;
    if (last.event.case === "candidateFinished") last.event.value.finish!.reason = 77 as FinishReason;
    const overTheWire = events.map((event) => fromBinary(StreamEventSchema, toBinary(StreamEventSchema, event)));
    expect((await collect(overTheWire)).candidates[0]?.finish?.reason).toBe(77);
  });

  test("a part and a delta of unknown kinds are kept and passed over", async () => {
    const events = numbered([
      started,
      { case: "blockStarted", value: { block: 0, part: {} } },
      { case: "blockDelta", value: { block: 0 } },
      { case: "blockFinished", value: { block: 0, part: {} } },
      ...textBlock(["Hi"], 1),
      finished(),
      completed,
    ]);
    const response = await collect(events);
    expect(response.candidates[0]?.message?.parts).toHaveLength(2);
    expect(textOf(response)).toBe("Hi");
  });

  test("an error with an unknown reason and fault is still an error with its advice", async () => {
    const error = interrupted({ reason: 4711 as never, fault: 9 as never });
    expect(await errorOf(numbered([started, failed(error)]))).toMatchObject({
      reason: "REASON_4711",
      fault: "unknown",
      retryable: true,
    });
  });
});
