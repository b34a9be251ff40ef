import { expect, test } from "vitest";
import { FinishReason } from "../../contract/index.ts";
import { finishReason, isKnownFinishWord } from "./finish-reason.ts";

test.each([
  ["end_turn", false, FinishReason.STOP],
  ["end_turn", true, FinishReason.TOOL_CALLS],
  ["stop_sequence", false, FinishReason.STOP_SEQUENCE],
  ["max_tokens", true, FinishReason.MAX_TOKENS],
  ["tool_use", true, FinishReason.TOOL_CALLS],
  ["tool_use", false, FinishReason.TOOL_CALLS],
  ["pause_turn", false, FinishReason.PAUSED],
  ["compaction", false, FinishReason.PAUSED],
  ["refusal", false, FinishReason.REFUSAL],
  ["model_context_window_exceeded", false, FinishReason.CONTEXT_WINDOW],
  ["malformed_tool_use", true, FinishReason.MALFORMED_TOOL_CALL],
  ["ERROR", false, FinishReason.PROVIDER_ERROR],
  ["tired", false, FinishReason.OTHER],
  ["", true, FinishReason.OTHER],
])("finishReason of %s with calls %s is %s", (word, hasCalls, expected) => {
  expect(finishReason(word, hasCalls)).toBe(expected);
});

test("isKnownFinishWord tells what is drift", () => {
  expect([isKnownFinishWord("end_turn"), isKnownFinishWord("tired")]).toEqual([true, false]);
});
