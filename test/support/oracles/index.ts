import { anthropicMessagesOracle } from "./anthropic-messages.ts";
import { geminiGenerateOracle } from "./gemini-generate.ts";
import { mistralOracle } from "./mistral.ts";
import { openaiChatOracle } from "./openai-chat.ts";
import { openaiResponsesOracle } from "./openai-responses.ts";
import type { Oracle } from "./oracle.ts";

/** The vendors' clients. */
export const ORACLES: readonly Oracle[] = [
  openaiChatOracle,
  openaiResponsesOracle,
  anthropicMessagesOracle,
  geminiGenerateOracle,
  mistralOracle,
];
