import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  CacheBreakpointSchema,
  ChatRequestSchema,
  MessageSchema,
  Role,
  reasoningPart,
  refusalPart,
  textPart,
  toolCallPart,
  type Part,
} from "../contract/index.ts";
import { anthropicMessages } from "./anthropic-messages/index.ts";
import type { DialectTarget } from "./dialect.ts";
import { geminiGenerate } from "./gemini-generate/index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";

const DIALECTS = [openaiChat, openaiResponses, anthropicMessages, geminiGenerate];
const PARTS: Readonly<Record<string, Part>> = {
  text: textPart("Hello"),
  call: toolCallPart("call_1", "f", "{}"),
  refusal: refusalPart("No"),
  reasoning: reasoningPart("Hm"),
};
const TARGET: DialectTarget = {
  provider: "p",
  model: "m",
  region: undefined,
  facts: { capabilities: {}, quirks: [], maxOutputTokens: 100 },
};

const cases = DIALECTS.flatMap((dialect) =>
  Object.entries(PARTS).map(([name, part]) => ({ id: dialect.id, name, dialect, part })),
);

test.for(cases)("a cache mark on the model's $name is sent over $id, or told of", ({ dialect, part }) => {
  const question = create(MessageSchema, { role: Role.USER, parts: [textPart("Hi")] });
  const marked = create(MessageSchema, { role: Role.ASSISTANT, parts: [part] });
  marked.parts = [{ ...part, cacheBreakpoint: create(CacheBreakpointSchema) }];
  const request = create(ChatRequestSchema, { model: "m", messages: [question, marked, question] });
  const { body, adaptations } = dialect.encode(request, TARGET, { stream: false });
  const told = adaptations.some(({ field }) => field.startsWith("messages[1].parts[0]"));
  expect(/"cache_control"|"prompt_cache_breakpoint"/.test(body) || told).toBe(true);
});
