import { expect, test } from "vitest";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import type { Dialect } from "./dialect.ts";
import { geminiGenerate } from "./gemini-generate/index.ts";
import type { Headroom } from "./headroom.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";

const NOW_MS = Date.parse("2026-11-20T12:00:00Z");

test.each<[what: string, dialect: Dialect, headers: Record<string, string>, expected: Headroom | undefined]>([
  [
    "OpenAI's",
    openaiChat,
    {
      "x-ratelimit-remaining-requests": "29999",
      "x-ratelimit-remaining-tokens": "149984",
      "x-ratelimit-reset-requests": "2ms",
      "x-ratelimit-reset-tokens": "6m0s",
    },
    { remainingRequests: 29_999, remainingTokens: 149_984, resetInMs: 2 },
  ],
  [
    "Mistral's, which tell the window",
    openaiChat,
    { "x-ratelimit-remaining-req-minute": "58", "x-ratelimit-remaining-tokens-minute": "499962" },
    { remainingRequests: 58, remainingTokens: 499_962, resetInMs: undefined },
  ],
  [
    "Azure's, of which -1 is none",
    openaiResponses,
    { "x-ratelimit-remaining-requests": "-1", "x-ratelimit-remaining-tokens": "10", "x-ratelimit-reset-tokens": "1" },
    { remainingRequests: undefined, remainingTokens: 10, resetInMs: 1000 },
  ],
  [
    "Anthropic's, with dates",
    anthropicMessages,
    {
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-20T12:00:30Z",
      "anthropic-ratelimit-tokens-remaining": "79000",
      "anthropic-ratelimit-tokens-reset": "2026-11-20T12:00:10Z",
    },
    { remainingRequests: 0, remainingTokens: 79_000, resetInMs: 10_000 },
  ],
  ["nonsense", openaiChat, { "x-ratelimit-remaining-requests": "many" }, undefined],
  ["none", openaiChat, {}, undefined],
  ["Gemini's, of which there are none", geminiGenerate, { "x-ratelimit-remaining-requests": "1" }, undefined],
])("head-room is read from headers: %s", (_what, dialect, headers, expected) => {
  expect(dialect.headroom(headers, NOW_MS)).toEqual(expected);
});
