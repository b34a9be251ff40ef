import { expect, test } from "vitest";
import { FinishReason } from "../../contract/index.ts";
import { finishReason, isKnownIncompleteReason, type Ending } from "./finish-reason.ts";

const plain: Ending = {
  status: "completed",
  incompleteReason: "",
  hasCalls: false,
  hasRefusal: false,
  awaitsApproval: false,
};

test.each<[Partial<Ending>, FinishReason]>([
  [{}, FinishReason.STOP],
  [{ hasCalls: true }, FinishReason.TOOL_CALLS],
  [{ hasCalls: true, hasRefusal: true }, FinishReason.TOOL_CALLS],
  [{ hasRefusal: true }, FinishReason.REFUSAL],
  [{ awaitsApproval: true }, FinishReason.PAUSED],
  [{ status: "incomplete", incompleteReason: "max_output_tokens", hasCalls: true }, FinishReason.MAX_TOKENS],
  [{ status: "incomplete", incompleteReason: "content_filter" }, FinishReason.CONTENT_FILTER],
  [{ status: "incomplete", incompleteReason: "max_messages" }, FinishReason.TOOL_LIMIT],
  [{ status: "incomplete", incompleteReason: "steered" }, FinishReason.PAUSED],
  [{ status: "incomplete", incompleteReason: "whatever" }, FinishReason.OTHER],
  [{ status: "incomplete" }, FinishReason.OTHER],
  [{ status: "failed" }, FinishReason.PROVIDER_ERROR],
  [{ status: "cancelled" }, FinishReason.PROVIDER_ERROR],
  [{ status: "novel" }, FinishReason.OTHER],
])("finishReason reads %j as %i", (ending, expected) => {
  expect(finishReason({ ...plain, ...ending })).toBe(expected);
});

test("isKnownIncompleteReason knows the words of the table, in any case", () => {
  expect(["Max_Output_Tokens", "steered", ""].map(isKnownIncompleteReason)).toEqual([true, true, false]);
});
