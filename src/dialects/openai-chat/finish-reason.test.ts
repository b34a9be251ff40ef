import { expect, test } from "vitest";
import { FinishReason } from "../../contract/index.ts";
import { finishReason, isKnownFinishWord } from "./finish-reason.ts";

test.each([
  ["stop", FinishReason.STOP],
  ["STOP", FinishReason.STOP],
  ["eos", FinishReason.STOP],
  ["stop_sequence", FinishReason.STOP_SEQUENCE],
  ["length", FinishReason.MAX_TOKENS],
  ["model_length", FinishReason.CONTEXT_WINDOW],
  ["tool_calls", FinishReason.TOOL_CALLS],
  ["function_call", FinishReason.TOOL_CALLS],
  ["pause_turn", FinishReason.PAUSED],
  ["refusal", FinishReason.REFUSAL],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["sensitive", FinishReason.CONTENT_FILTER],
  ["recitation", FinishReason.RECITATION],
  ["MALFORMED_FUNCTION_CALL", FinishReason.MALFORMED_TOOL_CALL],
  ["malformed_response", FinishReason.MALFORMED_OUTPUT],
  ["too_many_tool_calls", FinishReason.TOOL_LIMIT],
  ["insufficient_system_resource", FinishReason.PROVIDER_ERROR],
  ["something new", FinishReason.OTHER],
  ["", FinishReason.OTHER],
])("finishReason reads %j", (word, reason) => {
  expect(finishReason(word, false)).toBe(reason);
});

test.each([
  ["stop", FinishReason.TOOL_CALLS],
  ["", FinishReason.TOOL_CALLS],
  ["length", FinishReason.MAX_TOKENS],
  ["content_filter", FinishReason.CONTENT_FILTER],
  ["something new", FinishReason.OTHER],
])("finishReason beside calls reads %j", (word, reason) => {
  expect(finishReason(word, true)).toBe(reason);
});

test("isKnownFinishWord tells new words from known ones", () => {
  expect([isKnownFinishWord("Stop"), isKnownFinishWord("tired")]).toEqual([true, false]);
});
