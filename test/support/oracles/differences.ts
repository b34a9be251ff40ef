// Where a vendor's client and our decoder read a recording differently, and why ours is right or the client is no judge.

/** The members that differ, and the reason. */
export interface Difference {
  readonly paths: readonly string[];
  readonly reason: string;
}

const REASONING_APART: Difference = {
  paths: ["usage.output"],
  reason: "the server counts reasoning beside completion_tokens: its total says so",
};
const WHOLE = ["candidates", "failed", "usage"];
const WITHOUT_USAGE = ["candidates", "failed"];
const USAGE_MISSED = ["usage"];

/** By recording. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  "_literals/openai-response-incomplete.json": {
    paths: WITHOUT_USAGE,
    reason: "the literal is a stream's last event alone: the client demands the first",
  },
  "anthropic/messages-stream-anthropic-compaction-usage-with-cache-streaming.json": {
    paths: ["usage.cacheRead", "usage.input", "usage.output"],
    reason: "ours adds the compaction, which is billed and stands in usage.iterations only",
  },
  "anthropic/messages-stream-anthropic-programmatic-tool-calling-1-chunks.json": {
    paths: WHOLE,
    reason: "15 messages in a row are one recording: the client refuses the second message_start",
  },
  "anthropic/messages-stream-gateway-message-delta-metadata.json": {
    paths: WHOLE,
    reason: "a gateway in front of the vendor adds data: [DONE], which the client takes for JSON",
  },
  "azure/chat-stream-chat-function-calling-azure-grok-4-1-fast-non-reasoning-can-use-i2.json": {
    paths: ["usage.input"],
    reason: "cached_tokens is above prompt_tokens: ours counts no less input than was read from the cache",
  },
  "azure/responses-stream-azure-reasoning-encrypted-content-1-chunks.json": {
    paths: WHOLE,
    reason: "two answers in a row are one recording: the client refuses the second's id",
  },
  "copilot/responses-stream-streaming.json": {
    paths: WHOLE,
    reason: "the events have different response ids, which the client refuses",
  },
  "gemini/generatecontent-stream-chats-tests-sendmessage-multiple-messages-with-server-side-mcp-t-i1.json": {
    paths: ["candidates.0.calls"],
    reason: "the server ran the call itself, its result is in the same answer: ours is no call for the caller",
  },
  "gemini/generatecontent-unary-testgoogleaiwithjsonmode.json": {
    paths: ["candidates.0.finish"],
    reason: "the request asked for enums as numbers, and the client hands the number on",
  },
  "gpustack/chat-stream-chat-streaming-responses-gpustack-qwen3-supports-streaming-respo.json": {
    paths: WHOLE,
    reason: "the server's deltas have no role, which the client's helper demands",
  },
  "groq/chat-stream-groq-llama3-8b-8192-streamed-chat.json": {
    paths: USAGE_MISSED,
    reason: "usage comes in x_groq, which OpenAI's client does not look at",
  },
  "moonshot/chat-unary-moonshotai-reasoning.json": {
    paths: ["usage.cacheRead"],
    reason: "cached_tokens stands at the top of usage, where OpenAI's client does not look",
  },
  "openai-chatgpt/responses-stream-specific-single-function-targets-named-tool.json": {
    paths: ["candidates.0.calls"],
    reason: "the last event lists no output, and the client's helper returns it as it is",
  },
  "openai-compatible/chat-stream-xai-tool-call-chunks.json": REASONING_APART,
  "openai-compatible/chat-unary-xai-tool-call.json": REASONING_APART,
  "openai/chat-stream-openai-moderation-stream.json": {
    paths: USAGE_MISSED,
    reason: "a chunk with usage null follows the one with figures, and the client's helper keeps the last",
  },
  "openai/chat-unary-open-ai-function-calls.json": {
    paths: ["candidates.0.calls"],
    reason: "the call came as the deprecated function_call; ours is a call like any other",
  },
  "openai/responses-stream-openai-shell-container-1-chunks.json": {
    paths: ["candidates.0.text"],
    reason: "the recording was shortened: the deltas hold less than the last event, ours is what was streamed",
  },
  "openai/responses-unary-openai-responses-records-computer-use-calls.json": {
    paths: ["candidates.0.calls"],
    reason: "a computer call has an item type of its own; ours is a call like any other",
  },
  "snowflake/chat-unary-snowflake-thinking.json": {
    paths: ["candidates.0.reasoning"],
    reason: "reasoning stands in reasoning_details only, which OpenAI's client does not know",
  },
  "vercel-gateway/chat-stream-thinking-streaming-i1.json": {
    paths: ["usage.output"],
    reason: "more reasoning than completion tokens: ours counts them apart",
  },
  "vertexai/generatecontent-stream-mcp-related-client-tests-generatecontentstream-with-streamfuncti.json": {
    paths: ["candidates.0.calls"],
    reason: "arguments come in pieces of one call, which the client does not put together",
  },
  "vertexai/generatecontent-unary-google-model-armor-prompt-template-text-gets-blocked-i1.json": {
    paths: WITHOUT_USAGE,
    reason: "the prompt was blocked: the client returns an answer without candidates, ours is a typed error",
  },
  "writer/chat-stream-writer-streaming-chat-tool-call-request-legacy.json": {
    paths: WHOLE,
    reason: "a delta with tool_calls null makes the client's helper lose the call",
  },
  "xai/chat-stream-multi-tool-streaming-i1.json": REASONING_APART,
  "xai/chat-stream-simple-object-streaming.json": REASONING_APART,
  "xai/chat-stream-thinking-streaming.json": REASONING_APART,
  "xai/chat-unary-simple-object.json": REASONING_APART,
};
