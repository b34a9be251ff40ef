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

// Which parameters the API has, and what each must look like. Source: https://platform.claude.com/docs/en/api/messages,
// checked 2026-11.

const cacheControl = object({ type: word("ephemeral"), ttl: word("5m", "1h") }, "type");
const citations = object({ enabled: flag });
const marked = { type: text, cache_control: cacheControl };

const imageSource = tagged("type", {
  base64: object(
    {
      type: text,
      media_type: word("image/jpeg", "image/png", "image/gif", "image/webp"),
      data: text,
    },
    "media_type",
    "data",
  ),
  url: object({ type: text, url: text }, "url"),
  file: object({ type: text, file_id: text }, "file_id"),
});

const documentSource = tagged("type", {
  base64: object({ type: text, media_type: word("application/pdf"), data: text }, "media_type", "data"),
  url: object({ type: text, url: text }, "url"),
  file: object({ type: text, file_id: text }, "file_id"),
  text: object({ type: text, media_type: word("text/plain"), data: text }, "media_type", "data"),
  content: object({ type: text, content: either(text, list(object())) }, "content"),
});

const textBlock = object({ ...marked, text, citations: list(object()) }, "text");
const image = object({ ...marked, source: imageSource }, "source");
const document = object({ ...marked, source: documentSource, title: text, context: text, citations }, "source");
const searchResult = object(
  { ...marked, source: text, title: text, content: list(textBlock), citations },
  "source",
  "title",
  "content",
);

const resultBlocks = tagged("type", {
  text: textBlock,
  image,
  document,
  search_result: searchResult,
  tool_reference: object(),
});

// What the provider ran itself comes back as it was; this upstream runs nothing.
const SERVER_BLOCKS = [
  "server_tool_use",
  "mcp_tool_use",
  "mcp_tool_result",
  "web_search_tool_result",
  "web_fetch_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "tool_search_tool_result",
  "container_upload",
  "compaction",
];

const blocks = tagged("type", {
  text: textBlock,
  image,
  document,
  search_result: searchResult,
  thinking: object({ type: text, thinking: text, signature: text }, "thinking", "signature"),
  redacted_thinking: object({ type: text, data: text }, "data"),
  tool_use: object(
    { ...marked, id: text, name: textUpTo(200), input: object(), caller: object() },
    "id",
    "name",
    "input",
  ),
  tool_result: object(
    { ...marked, tool_use_id: text, content: either(text, list(resultBlocks)), is_error: flag },
    "tool_use_id",
  ),
  ...Object.fromEntries(SERVER_BLOCKS.map((name) => [name, object()])),
});

const message = object(
  { role: word("user", "assistant", "system"), content: either(text, list(blocks)) },
  "role",
  "content",
);

const customTool = object(
  {
    type: word("custom"),
    name: textUpTo(128),
    description: text,
    input_schema: object(),
    strict: flag,
    cache_control: cacheControl,
    defer_loading: flag,
    eager_input_streaming: flag,
    allowed_callers: list(text),
    input_examples: list(object()),
  },
  "name",
  "input_schema",
);

const choice = { type: text, disable_parallel_tool_use: flag };

/** A tool without a type is a function; one with a dated type is the provider's own. */
const serverTool: Shape = object();

/** The body of a request. */
export const request: Shape = object(
  {
    model: text,
    max_tokens: whole(1),
    messages: list(message, 100_000),
    system: either(text, list(textBlock)),
    tools: list(tagged("type", { custom: customTool }, serverTool)),
    tool_choice: tagged("type", {
      auto: object(choice),
      any: object(choice),
      tool: object({ ...choice, name: text }, "name"),
      none: object({ type: text }),
    }),
    output_config: object({
      effort: word("low", "medium", "high", "xhigh", "max"),
      format: object({ type: word("json_schema"), schema: object() }, "type", "schema"),
    }),
    thinking: tagged("type", {
      enabled: object(
        { type: text, budget_tokens: whole(1024), display: word("summarized", "omitted") },
        "budget_tokens",
      ),
      adaptive: object({ type: text, display: word("summarized", "omitted") }),
      disabled: object({ type: text }),
    }),
    stop_sequences: list(text, 8192),
    temperature: decimal(0, 1),
    top_p: decimal(0, 1),
    top_k: whole(0),
    cache_control: cacheControl,
    service_tier: word("auto", "standard_only"),
    speed: word("standard", "fast"),
    inference_geo: text,
    metadata: object({ user_id: textUpTo(256) }),
    container: anything,
    mcp_servers: list(object()),
    context_management: object(),
    stream: flag,
  },
  "model",
  "messages",
  "max_tokens",
);

/** A tool that the caller runs. */
export const functionTool: Shape = customTool;
