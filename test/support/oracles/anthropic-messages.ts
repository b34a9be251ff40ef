import Anthropic, { APIError } from "@anthropic-ai/sdk";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/index.ts";
import type { Oracle, Reading } from "./oracle.ts";

/** `@anthropic-ai/sdk`; streams are put together by its own helper. */
export const anthropicMessagesOracle: Oracle = {
  name: "@anthropic-ai/sdk messages",
  apis: ["anthropic.messages"],
  goldens: "anthropic",
  adds: {},
  dialect: anthropicMessages,
  smallestBody: { model: "recorded", max_tokens: 1024, messages: [{ role: "user", content: "Hi" }] },
  async call(url, body, { stream }) {
    const client = new Anthropic({ baseURL: url, apiKey: "key", maxRetries: 0, logLevel: "off" });
    // Without a limit of its own the client refuses to wait for a long answer that is not streamed.
    const options = { timeout: 10_000 };
    if (stream) return readingOf(await client.messages.stream(body as never, options).finalMessage());
    return readingOf(await client.messages.create(body as Anthropic.MessageCreateParamsNonStreaming, options));
  },
  statusOf: (thrown) => (thrown instanceof APIError ? (thrown.status as number | undefined) : undefined),
};

function readingOf({ content, stop_reason: finish, usage }: Anthropic.Message): Reading {
  const reasoning = usage.output_tokens_details?.thinking_tokens ?? 0;
  const cacheRead = usage.cache_read_input_tokens ?? 0;
  return {
    candidates: [
      {
        text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        refusal: "",
        reasoning: content.map((block) => (block.type === "thinking" ? block.thinking : "")).join(""),
        calls: content.flatMap((block) =>
          block.type === "tool_use" ? [{ name: block.name, input: JSON.stringify(block.input) }] : [],
        ),
        finish: finish ?? "",
      },
    ],
    usage: {
      input: usage.input_tokens + cacheRead + (usage.cache_creation_input_tokens ?? 0),
      cacheRead,
      output: usage.output_tokens,
      reasoning,
    },
  };
}
