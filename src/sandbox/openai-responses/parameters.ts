import {
  anything,
  decimal,
  either,
  flag,
  list,
  object,
  type Shape,
  tagged,
  text,
  textUpTo,
  whole,
  word,
} from "../shape.ts";

// Which parameters the API has, and what each must look like. Source:
// https://platform.openai.com/docs/api-reference/responses/create, checked 2026-11.

const mark = object();

const parts = tagged("type", {
  input_text: object({ type: text, text, prompt_cache_breakpoint: mark }, "text"),
  input_image: object({
    type: text,
    image_url: text,
    file_id: text,
    detail: word("auto", "low", "high", "original"),
    prompt_cache_breakpoint: mark,
  }),
  input_file: object({
    type: text,
    file_id: text,
    file_url: text,
    file_data: text,
    filename: text,
    detail: text,
    prompt_cache_breakpoint: mark,
  }),
  input_audio: object({ type: text, input_audio: object() }, "input_audio"),
  output_text: object({ type: text, text, annotations: list(object()), logprobs: list(object()) }, "text"),
  refusal: object({ type: text, refusal: text }, "refusal"),
});

const message = object(
  {
    type: text,
    id: text,
    role: word("user", "assistant", "system", "developer"),
    content: either(text, list(parts)),
    status: text,
    phase: text,
  },
  "role",
  "content",
);

const callId = textUpTo(64);
const callOutput = object(
  { type: text, id: text, call_id: callId, output: either(text, list(parts)), status: text, caller: object() },
  "call_id",
  "output",
);

const summaries = list(object({ type: word("summary_text"), text }, "type", "text"));

/** The items of the input, by their type. */
export const items: Shape = tagged(
  "type",
  {
    message,
    reasoning: object(
      { type: text, id: text, summary: summaries, content: list(object()), encrypted_content: text, status: text },
      "summary",
    ),
    function_call: object(
      {
        type: text,
        id: text,
        call_id: callId,
        name: text,
        arguments: text,
        status: text,
        namespace: text,
        caller: object(),
      },
      "call_id",
      "name",
      "arguments",
    ),
    function_call_output: callOutput,
    custom_tool_call: object(
      {
        type: text,
        id: text,
        call_id: callId,
        name: text,
        input: text,
        status: text,
        namespace: text,
        caller: object(),
      },
      "call_id",
      "name",
      "input",
    ),
    custom_tool_call_output: callOutput,
    item_reference: object({ type: text, id: text }, "id"),
  },
  // Calls of the provider's own tools come back as they were; this upstream runs nothing.
  object(),
);

/** An item without a type. */
export const untypedItem: Shape = message;

const name = textUpTo(64);

/** The body of a request. */
export const request: Shape = object(
  {
    model: text,
    input: either(text, list(object())),
    instructions: either(text, list(object())),
    tools: list(
      tagged(
        "type",
        {
          function: object(
            { type: text, name, description: text, parameters: object(), strict: flag, defer_loading: flag },
            "name",
          ),
          custom: object({ type: text, name, description: text, format: object(), defer_loading: flag }, "name"),
        },
        object({ type: text }, "type"),
      ),
      128,
    ),
    tool_choice: either(
      word("none", "auto", "required"),
      object({ type: text, name: text, mode: text, tools: list(object()), server_label: text }, "type"),
    ),
    parallel_tool_calls: flag,
    max_tool_calls: whole(1),
    text: object({
      format: tagged("type", {
        text: object({ type: text }),
        json_object: object({ type: text }),
        json_schema: object({ type: text, name, description: text, schema: object(), strict: flag }, "name", "schema"),
      }),
      verbosity: word("low", "medium", "high"),
    }),
    reasoning: object({
      effort: word("none", "minimal", "low", "medium", "high", "xhigh", "max"),
      summary: word("auto", "concise", "detailed"),
      generate_summary: text,
      context: text,
      mode: text,
    }),
    max_output_tokens: whole(16),
    temperature: decimal(0, 2),
    top_p: decimal(0, 1),
    top_logprobs: whole(0, 20),
    include: list(text),
    store: flag,
    stream: flag,
    stream_options: object({ include_obfuscation: flag }),
    metadata: object(),
    service_tier: word("auto", "default", "flex", "scale", "priority", "fast"),
    safety_identifier: textUpTo(128),
    user: text,
    prompt_cache_key: text,
    prompt_cache_retention: word("in_memory", "in-memory", "24h"),
    prompt_cache_options: object(),
    previous_response_id: text,
    conversation: anything,
    background: flag,
    prompt: object(),
    truncation: word("auto", "disabled"),
    context_management: anything,
    moderation: object(),
  },
  "model",
  "input",
);
