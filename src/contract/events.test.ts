import { create, type DescMessage } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  FinishReason,
  PartSchema,
  StreamEventSchema,
  ChatResponseSchema,
  UsageSchema,
  blockDelta,
  blockFinished,
  blockStarted,
  candidateFinished,
  completed,
  fold,
  keptAlive,
  reasoningPart,
  refusalPart,
  started,
  textPart,
  toolCallPart,
  usageUpdated,
} from "./index.ts";

const usage = create(UsageSchema, { inputTokens: 1 });
const origin = { provider: "p", dialect: "d", model: "m" };
const part = textPart("a");

// What is written out by hand is what the library makes: a new field of the contract breaks this test until it is there.
const CASES: readonly [string, DescMessage, object, Record<string, unknown>][] = [
  [
    "started",
    StreamEventSchema,
    started({ id: "r", origin }),
    { event: { case: "started", value: { id: "r", origin } } },
  ],
  [
    "blockStarted",
    StreamEventSchema,
    blockStarted(1, 2, part),
    { event: { case: "blockStarted", value: { candidate: 1, block: 2, part } } },
  ],
  [
    "blockDelta",
    StreamEventSchema,
    blockDelta(1, 2, { case: "text", value: "x" }, 3),
    { event: { case: "blockDelta", value: { candidate: 1, block: 2, delta: { case: "text", value: "x" }, piece: 3 } } },
  ],
  [
    "blockFinished",
    StreamEventSchema,
    blockFinished(1, 2, part),
    { event: { case: "blockFinished", value: { candidate: 1, block: 2, part } } },
  ],
  ["usageUpdated", StreamEventSchema, usageUpdated(usage), { event: { case: "usageUpdated", value: { usage } } }],
  [
    "candidateFinished",
    StreamEventSchema,
    candidateFinished(1, FinishReason.STOP, "stop", { category: "c" }),
    {
      event: {
        case: "candidateFinished",
        value: { candidate: 1, finish: { reason: FinishReason.STOP, native: "stop", category: "c" } },
      },
    },
  ],
  [
    "completed",
    StreamEventSchema,
    completed({ usage, serviceTier: "t" }),
    { event: { case: "completed", value: { usage, serviceTier: "t" } } },
  ],
  ["keptAlive", StreamEventSchema, keptAlive(), { event: { case: "keptAlive", value: {} } }],
  ["textPart", PartSchema, textPart("a"), { kind: { case: "text", value: { text: "a" } } }],
  ["refusalPart", PartSchema, refusalPart("a"), { kind: { case: "refusal", value: { text: "a" } } }],
  [
    "reasoningPart",
    PartSchema,
    reasoningPart("a"),
    { kind: { case: "reasoning", value: { text: ["a"], visibility: 1 } } },
  ],
  [
    "toolCallPart",
    PartSchema,
    toolCallPart("c", "f", "{}"),
    { kind: { case: "toolCall", value: { callId: "c", name: "f", input: { case: "argumentsJson", value: "{}" } } } },
  ],
];

test.each(CASES)("%s is the very message that create makes", (_name, schema, written, init) => {
  expect(written).toStrictEqual(create(schema, init));
});

test("a folded answer without anything in it is what the library makes", () => {
  expect(fold([completed({})])).toStrictEqual(create(ChatResponseSchema));
});
