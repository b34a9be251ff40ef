import { streamOf, type Source } from "./answer.ts";

// Answers of each wire format in our own words, for where there are no recordings: reasoning, text and a call each, whole
// and streamed, and a refusal to answer.

interface Own {
  readonly whole: object;
  readonly events: readonly object[];
  readonly error: object;
}

const CHAT_USAGE = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 };
const CHAT_CALL = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Paris"}' } };
const CHAT_HEAD = { id: "c_1", created: 1_790_000_000, model: "m", system_fingerprint: "fp" };

function chatChunk(delta: object, finish: string | null = null): object {
  return {
    ...CHAT_HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
  };
}

const MESSAGE = { id: "msg_1", type: "message", role: "assistant", model: "m", stop_sequence: null };
const MESSAGE_USAGE = { input_tokens: 9, output_tokens: 7, cache_read_input_tokens: 2 };
const BLOCKS = [
  { type: "thinking", thinking: "Where? Paris.", signature: "c2lnbmF0dXJl" },
  { type: "text", text: "I look it up." },
  { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } },
];

const PARTS = [
  { text: "Where? Paris.", thought: true },
  { text: "I look it up." },
  { functionCall: { name: "weather", args: { city: "Paris" } }, thoughtSignature: "c2lnbmF0dXJl" },
];
const PIECE_USAGE = { promptTokenCount: 9, candidatesTokenCount: 5, thoughtsTokenCount: 2, totalTokenCount: 16 };

const ITEMS = [
  { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Paris." }], encrypted_content: "c2ln" },
  {
    type: "message",
    id: "m_1",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "I look it up.", annotations: [] }],
  },
  {
    type: "function_call",
    id: "fc_1",
    call_id: "call_1",
    name: "weather",
    arguments: '{"city":"Paris"}',
    status: "completed",
  },
];
const RESPONSE = {
  id: "resp_1",
  object: "response",
  created_at: 1_790_000_000,
  model: "m",
  status: "completed",
  error: null,
  output: ITEMS,
  usage: { input_tokens: 9, output_tokens: 7, total_tokens: 16 },
};

function part(index: number, value: object): object {
  return { candidates: [{ index: 0, content: { role: "model", parts: [value] } }], responseId: `r${index}` };
}

const OWN: Readonly<Record<string, Own>> = {
  "openai-chat": {
    whole: {
      ...CHAT_HEAD,
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            reasoning_content: "Where? Paris.",
            content: "I look it up.",
            tool_calls: [CHAT_CALL],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: CHAT_USAGE,
    },
    events: [
      chatChunk({ role: "assistant", reasoning_content: "Where? " }),
      chatChunk({ reasoning_content: "Paris." }),
      chatChunk({ content: "I look " }),
      chatChunk({ content: "it up." }),
      chatChunk({ tool_calls: [{ index: 0, ...CHAT_CALL, function: { name: "weather", arguments: '{"city":' } }] }),
      chatChunk({ tool_calls: [{ index: 0, function: { arguments: '"Paris"}' } }] }),
      chatChunk({}, "tool_calls"),
      { ...CHAT_HEAD, choices: [], usage: CHAT_USAGE },
    ],
    error: { error: { message: "no", type: "invalid_request_error", param: "model", code: "model_not_found" } },
  },
  "anthropic-messages": {
    whole: { ...MESSAGE, content: BLOCKS, stop_reason: "tool_use", usage: MESSAGE_USAGE },
    events: [
      { type: "message_start", message: { ...MESSAGE, content: [], stop_reason: null, usage: MESSAGE_USAGE } },
      { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Where? Paris." } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2lnbmF0dXJl" } },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "I look it up." } },
      { type: "content_block_stop", index: 1 },
      { type: "content_block_start", index: 2, content_block: { ...BLOCKS[2], input: {} } },
      { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '{"city":"Paris"}' } },
      { type: "content_block_stop", index: 2 },
      { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: MESSAGE_USAGE },
      { type: "message_stop" },
    ],
    error: { type: "error", error: { type: "overloaded_error", message: "no" } },
  },
  "gemini-generate": {
    whole: {
      candidates: [{ index: 0, content: { role: "model", parts: PARTS }, finishReason: "STOP" }],
      usageMetadata: PIECE_USAGE,
      modelVersion: "m",
      responseId: "r",
    },
    events: [
      ...PARTS.map((value, index) => part(index, value)),
      {
        candidates: [{ index: 0, content: { role: "model", parts: [{ text: "" }] }, finishReason: "STOP" }],
        usageMetadata: PIECE_USAGE,
      },
    ],
    error: { error: { code: 429, message: "no", status: "RESOURCE_EXHAUSTED", details: [] } },
  },
  "openai-responses": {
    whole: RESPONSE,
    events: [
      { type: "response.created", response: { ...RESPONSE, output: [], status: "in_progress" } },
      ...ITEMS.flatMap((item, index) => [
        { type: "response.output_item.added", output_index: index, item: { ...item, status: "in_progress" } },
        { type: "response.output_item.done", output_index: index, item },
      ]),
      { type: "response.completed", response: RESPONSE },
    ],
    error: { error: { message: "no", type: "invalid_request_error", param: "model", code: null } },
  },
};

function sourcesOf(dialect: string, { whole, events, error }: Own): Source[] {
  const source = (kind: string, status: number, body: string): Source => ({
    name: `${dialect} ${kind}`,
    dialect,
    provider: "own",
    model: "m",
    status,
    headers: { "content-type": kind === "stream" ? "text/event-stream" : "application/json" },
    body: Buffer.from(body),
    stream: kind === "stream",
    ending: "end",
  });
  return [
    source("whole", 200, JSON.stringify(whole)),
    source("stream", 200, streamOf(events.map((event) => `data: ${JSON.stringify(event)}`))),
    source("error", 400, JSON.stringify(error)),
  ];
}

/** Good answers of each wire format, made up here. */
export const OWN_ANSWERS: readonly Source[] = Object.entries(OWN).flatMap(([dialect, own]) => sourcesOf(dialect, own));
