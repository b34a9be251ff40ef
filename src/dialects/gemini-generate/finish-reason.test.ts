import { expect, test } from "vitest";
import { FinishReason } from "../../contract/index.ts";
import { finishReason, finishWordOf, isKnownFinishWord } from "./finish-reason.ts";
import { foldBody, piece } from "./target.fixture.ts";

test.each([
  ["STOP", FinishReason.STOP],
  ["MAX_TOKENS", FinishReason.MAX_TOKENS],
  ["SAFETY", FinishReason.CONTENT_FILTER],
  ["BLOCKLIST", FinishReason.CONTENT_FILTER],
  ["PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER],
  ["SPII", FinishReason.CONTENT_FILTER],
  ["LANGUAGE", FinishReason.CONTENT_FILTER],
  ["IMAGE_SAFETY", FinishReason.CONTENT_FILTER],
  ["IMAGE_PROHIBITED_CONTENT", FinishReason.CONTENT_FILTER],
  ["MODEL_ARMOR", FinishReason.CONTENT_FILTER],
  ["RECITATION", FinishReason.RECITATION],
  ["IMAGE_RECITATION", FinishReason.RECITATION],
  ["MALFORMED_FUNCTION_CALL", FinishReason.MALFORMED_TOOL_CALL],
  ["UNEXPECTED_TOOL_CALL", FinishReason.MALFORMED_TOOL_CALL],
  ["MALFORMED_RESPONSE", FinishReason.MALFORMED_OUTPUT],
  ["NO_IMAGE", FinishReason.MALFORMED_OUTPUT],
  ["IMAGE_OTHER", FinishReason.MALFORMED_OUTPUT],
  ["TOO_MANY_TOOL_CALLS", FinishReason.TOOL_LIMIT],
  ["CONTINUATION", FinishReason.PAUSED],
  ["OTHER", FinishReason.OTHER],
])("finishReason of %s, also in an answer", (word, reason) => {
  expect(finishReason(word, false)).toBe(reason);
  expect(isKnownFinishWord(word)).toBe(true);
  expect(foldBody(piece([{ text: "x" }], word)).candidates[0]?.finish).toMatchObject({ reason, native: word });
});

test("finishReason tells calls from a stop, and keeps an honest limit beside calls", () => {
  expect(finishReason("STOP", true)).toBe(FinishReason.TOOL_CALLS);
  expect(finishReason("MAX_TOKENS", true)).toBe(FinishReason.MAX_TOKENS);
});

test("finishReason of an unknown word is OTHER, never a stop", () => {
  for (const word of ["TIRED", "stop", ""]) {
    expect(finishReason(word, false)).toBe(FinishReason.OTHER);
    expect(finishReason(word, true)).toBe(FinishReason.OTHER);
    expect(isKnownFinishWord(word)).toBe(false);
  }
});

test.each([
  [1, "STOP"],
  [2, "MAX_TOKENS"],
  [3, "SAFETY"],
  [4, "RECITATION"],
  [5, "OTHER"],
  [99, "99"],
  [0, undefined],
  ["", undefined],
  [null, undefined],
  ["FINISH_REASON_UNSPECIFIED", undefined],
])("finishWordOf %j is %j", (value, word) => {
  expect(finishWordOf(value)).toBe(word);
});

test("the finish names the categories of a filter and the provider's redacted sentence", () => {
  const safetyRatings = [
    { category: "HARM_CATEGORY_HARASSMENT", blocked: true },
    { category: "X", blocked: false },
  ];
  const finishMessage = "Blocked for key sk-abcdefghij";
  const { finish } = foldBody(piece([], "SAFETY", { safetyRatings, finishMessage })).candidates[0] ?? {};
  expect(finish).toMatchObject({ category: "HARM_CATEGORY_HARASSMENT", message: "Blocked for key [redacted]" });
  expect(foldBody(piece([], "STOP", { safetyRatings })).candidates[0]?.finish?.category).toBeUndefined();
});
