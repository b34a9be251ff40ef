import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  BlockWriter,
  EventGrammar,
  FailedSchema,
  FinishReason,
  StreamEventSchema,
  blockDelta,
  blockFinished,
  blockStarted,
  candidateFinished,
  completed,
  fold,
  isContent,
  keptAlive,
  reasoningPart,
  started,
  textPart,
  toolCallPart,
  type StreamEvent,
} from "./index.ts";

const failed = (): StreamEvent => create(StreamEventSchema, { event: { case: "failed", value: create(FailedSchema) } });
const stop = (candidate = 0): StreamEvent => candidateFinished(candidate, FinishReason.STOP, "stop");

function firstProblem(events: StreamEvent[]): string | undefined {
  const grammar = new EventGrammar();
  for (const event of events) {
    const problem = grammar.check(event);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

describe("EventGrammar", () => {
  test("accepts a whole answer with blocks that interleave", () => {
    const events = [
      keptAlive(),
      started({}),
      blockStarted(0, 0, textPart("")),
      blockStarted(0, 1, toolCallPart("c", "f", "")),
      blockDelta(0, 0, { case: "text", value: "a" }),
      blockFinished(0, 1, toolCallPart("c", "f", "{}")),
      blockFinished(0, 0, textPart("a")),
      stop(),
      completed({}),
    ];
    expect(firstProblem(events)).toBeUndefined();
  });

  test.each<[string, StreamEvent[], string]>([
    ["a delta before started", [blockDelta(0, 0, { case: "text", value: "a" })], "blockDelta before started"],
    ["two starts", [started({}), started({})], "a second started"],
    [
      "a block number that skips",
      [started({}), blockStarted(0, 1, textPart(""))],
      "block_started with block 1, 0 is next",
    ],
    [
      "a delta in a closed block",
      [
        started({}),
        blockStarted(0, 0, textPart("")),
        blockFinished(0, 0, textPart("")),
        blockDelta(0, 0, { case: "text", value: "a" }),
      ],
      "not open",
    ],
    ["a finish with an open block", [started({}), blockStarted(0, 0, textPart("")), stop()], "with open blocks"],
    ["two finishes", [started({}), stop(), stop()], "a second candidate_finished"],
    ["a block after the finish", [started({}), stop(), blockStarted(0, 0, textPart(""))], "which has finished"],
    ["completed without a candidate", [started({}), completed({})], "without a candidate"],
    [
      "completed before every candidate has finished",
      [started({}), stop(), blockStarted(1, 0, textPart("")), completed({})],
      "before candidate 1",
    ],
    ["anything after the terminal", [failed(), started({})], "after the terminal"],
    ["a second terminal", [started({}), stop(), completed({}), failed()], "after the terminal"],
    ["a sign of life after the terminal", [failed(), keptAlive()], "after the terminal"],
  ])("refuses %s", (_name, events, problem) => {
    expect(firstProblem(events)).toContain(problem);
  });
});

describe("BlockWriter and fold", () => {
  test("fold gives the parts that the writer's deltas built, in order", () => {
    const out: StreamEvent[] = [started({ id: "req_1" })];
    const writer = new BlockWriter();
    const thought = writer.open(out, 0, reasoningPart(""));
    const text = writer.open(out, 0, textPart(""));
    writer.append(out, 0, thought, { case: "reasoningText", value: "hm" });
    writer.append(out, 0, text, { case: "text", value: "Hel" });
    writer.append(out, 0, text, { case: "text", value: "lo" });
    const call = writer.open(out, 0, toolCallPart("c1", "f", ""));
    writer.append(out, 0, call, { case: "argumentsJson", value: '{"a":' });
    writer.append(out, 0, call, { case: "argumentsJson", value: "9007199254740993}" });
    writer.closeAll(out);
    out.push(candidateFinished(0, FinishReason.TOOL_CALLS, "tool_calls"), completed({}));
    expect(firstProblem(out)).toBeUndefined();
    const [candidate] = fold(out).candidates;
    expect(candidate?.message?.parts.map((part) => part.kind.case)).toEqual(["reasoning", "text", "toolCall"]);
    expect(candidate?.message?.parts[1]?.kind.value).toMatchObject({ text: "Hello" });
    expect(candidate?.message?.parts[2]?.kind.value).toMatchObject({
      input: { value: '{"a":9007199254740993}' },
      argumentsInvalid: false,
    });
  });

  test("the started event keeps the part as it was when the block began", () => {
    const out: StreamEvent[] = [];
    const writer = new BlockWriter();
    const block = writer.open(out, 0, textPart(""));
    writer.append(out, 0, block, { case: "text", value: "later" });
    expect(out[0]?.event.value).toMatchObject({ part: { kind: { value: { text: "" } } } });
  });

  test("a call whose arguments were cut is marked invalid, its text kept", () => {
    const out: StreamEvent[] = [];
    const writer = new BlockWriter();
    const block = writer.open(out, 0, toolCallPart("c", "f", ""));
    writer.append(out, 0, block, { case: "argumentsJson", value: '{"city":"Par' });
    writer.close(out, 0, block);
    expect(out.at(-1)?.event.value).toMatchObject({
      part: { kind: { value: { argumentsInvalid: true, input: { value: '{"city":"Par' } } } },
    });
  });

  test("writing to a block that is closed is a defect and throws", () => {
    const out: StreamEvent[] = [];
    const writer = new BlockWriter();
    const block = writer.open(out, 0, textPart(""));
    writer.close(out, 0, block);
    expect(() => writer.append(out, 0, block, { case: "text", value: "x" })).toThrow(RangeError);
  });

  test("fold refuses events that do not end with completed", () => {
    expect(() => fold([started({}), stop(), failed()])).toThrow("do not end with completed");
  });

  test("isContent: text, calls and media are content; state, empty text and figures are not", () => {
    expect(isContent(blockDelta(0, 0, { case: "text", value: "a" }))).toBe(true);
    expect(isContent(blockStarted(0, 0, toolCallPart("c", "f", "")))).toBe(true);
    expect(isContent(blockDelta(0, 0, { case: "text", value: "" }))).toBe(false);
    expect(isContent(blockStarted(0, 0, textPart("")))).toBe(false);
    expect(isContent(keptAlive())).toBe(false);
  });
});
