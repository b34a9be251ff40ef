import { expect, test } from "vitest";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import { geminiGenerate } from "./gemini-generate/index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";

test.each([
  [openaiChat, { "x-request-id": "a", "x-ds-trace-id": "b" }, "a"],
  [openaiChat, { "x-ds-trace-id": "b" }, "b"],
  [openaiResponses, { "apim-request-id": "c" }, "c"],
  [anthropicMessages, { "request-id": "d", "x-request-id": "e" }, "d"],
  [geminiGenerate, { "x-goog-request-id": "f" }, "f"],
  [geminiGenerate, { "x-cloud-trace-context": "g" }, "g"],
])("$0.id finds the provider's id of a call in $1", (dialect, headers, id) => {
  expect(dialect.requestId(headers)).toBe(id);
  expect(dialect.requestId({ "content-type": "application/json" })).toBeUndefined();
});
