import { describe, expect, test } from "vitest";
import { ParleyError, reasonName, type ReasonName } from "../../errors/index.ts";
import { decodeRequest } from "./decode-request.ts";

const SECRET = "zebra-7391";
const USER = { role: "user", content: "hi" };

function errorOf(fields: object): ParleyError {
  try {
    decodeRequest(Buffer.from(JSON.stringify({ model: "m", messages: [USER], ...fields })), { maxDepth: 32 });
  } catch (thrown) {
    if (thrown instanceof ParleyError) return thrown;
    throw thrown;
  }
  throw new Error("it was read");
}

type Row = [fields: object, field: string, message: string, reason?: ReasonName];

function message(fields: object): object {
  return { messages: [{ role: "user", content: "x", ...fields }] };
}

function part(fields: object): object {
  return { messages: [{ role: "user", content: [fields] }] };
}

function assistant(fields: object): object {
  return { messages: [{ role: "assistant", content: "x", ...fields }] };
}

function tool(fields: unknown): object {
  return { tools: [fields] };
}

const NAMED = { type: "function", function: { name: "f" } };

const TABLE: Row[] = [
  [{ model: undefined }, "model", "it is required"],
  [{ model: 5 }, "model", "expected a string, got a number"],
  [{ model: undefined, models: [] }, "model", "it is required"],
  [{ models: "a/b" }, "models", "expected an array, got a string"],
  [{ models: ["a", 1] }, "models[1]", "expected a string, got a number"],
  [{ messages: undefined }, "messages", "expected an array, got nothing"],
  [{ messages: {} }, "messages", "expected an array, got an object"],
  [{ messages: [] }, "messages", "it is empty"],
  [{ messages: [SECRET] }, "messages[0]", "expected an object, got a string"],
  [{ messages: [null] }, "messages[0]", "expected an object, got null"],
  [{ messages: [{ content: SECRET }] }, "messages[0].role", "expected a string, got nothing"],
  [message({ role: SECRET }), "messages[0].role", "expected one of system, developer, user, assistant, tool, function"],
  [message({ content: 5 }), "messages[0].content", "expected a string or an array of content parts, got a number"],
  [message({ content: null }), "messages[0].content", "got null"],
  [message({ content: undefined }), "messages[0].content", "got nothing"],
  [message({ content: { text: SECRET } }), "messages[0].content", "got an object"],
  [message({ content: "\ud800" }), "messages[0].content", "half of a surrogate pair"],
  [message({ name: 5 }), "messages[0].name", "expected a string, got a number"],
  [message({ [SECRET.slice(0, 5)]: SECRET }), "messages[0].zebra", "no such field is known here"],
  [message({ tool_calls: [] }), "messages[0].tool_calls", "no such field is known here"],
  [message({ content: "", cache_control: { type: "ephemeral" } }), "messages[0].cache_control", "no content to cache"],
  [part({ type: "text" }), "messages[0].content[0].text", "expected a string, got nothing"],
  [part({ text: SECRET }), "messages[0].content[0].type", "expected a string, got nothing"],
  [
    part({ type: "input_text", text: SECRET }),
    "messages[0].content[0].type",
    "expected one of text, image_url, input_audio, file, video_url",
  ],
  [part({ type: "__proto__" }), "messages[0].content[0].type", "expected one of"],
  [part({ type: "refusal", refusal: SECRET }), "messages[0].content[0].type", "expected one of"],
  [part({ type: "text", text: "x", extra: SECRET }), "messages[0].content[0].extra", "no such field is known here"],
  [
    part({ type: "image_url", image_url: SECRET }),
    "messages[0].content[0].image_url",
    "expected an object, got a string",
  ],
  [
    part({ type: "image_url", image_url: { url: SECRET } }),
    "messages[0].content[0].image_url.url",
    "expected a URL with its scheme",
  ],
  [
    part({ type: "image_url", image_url: { url: `data:image/png,${SECRET}` } }),
    "messages[0].content[0].image_url.url",
    "expected data:",
    "INVALID_MEDIA",
  ],
  [
    part({ type: "image_url", image_url: { url: `data:image/png;base64,${SECRET}!` } }),
    "messages[0].content[0].image_url.url",
    "not valid base64",
    "INVALID_MEDIA",
  ],
  [
    part({ type: "image_url", image_url: { url: "data:image/png;base64," } }),
    "messages[0].content[0].image_url.url",
    "it is empty",
    "INVALID_MEDIA",
  ],
  [
    part({ type: "input_audio", input_audio: { data: "AAEC", format: "a/b" } }),
    "messages[0].content[0].input_audio.format",
    "expected a format",
  ],
  [part({ type: "file", file: {} }), "messages[0].content[0].file", "got neither"],
  [part({ type: "file", file: { file_id: "a", file_data: "AAEC" } }), "messages[0].content[0].file", "got both"],
  [
    part({ type: "text", text: "x", cache_control: { type: "forever" } }),
    "messages[0].content[0].cache_control.type",
    "expected one of ephemeral",
  ],
  [
    part({ type: "text", text: "x", cache_control: { type: "ephemeral", ttl: SECRET } }),
    "messages[0].content[0].cache_control.ttl",
    "expected a duration",
  ],
  [
    { messages: [{ role: "system", content: [{ type: "image_url", image_url: { url: "https://e.example" } }] }] },
    "messages[0].content[0].type",
    "expected one of text",
  ],
  [
    assistant({ tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: { secret: SECRET } } }] }),
    "messages[0].tool_calls[0].function.arguments",
    "expected a string, got an object",
  ],
  [
    assistant({ tool_calls: [{ type: "function", function: { name: "f", arguments: "{}" } }] }),
    "messages[0].tool_calls[0].id",
    "expected a string, got nothing",
  ],
  [
    assistant({ tool_calls: [{ id: "c", type: "mcp" }] }),
    "messages[0].tool_calls[0].type",
    "expected one of function, custom",
  ],
  [assistant({ prefix: "yes" }), "messages[0].prefix", "expected true or false, got a string"],
  [assistant({ audio: SECRET }), "messages[0].audio", "expected an object, got a string"],
  [assistant({ reasoning_content: [SECRET] }), "messages[0].reasoning_content", "expected a string, got an array"],
  [
    assistant({ reasoning_details: [{ type: "thought", text: SECRET }] }),
    "messages[0].reasoning_details[0].type",
    "expected one of reasoning.text",
  ],
  [
    assistant({ reasoning_details: [{ type: "reasoning.encrypted" }] }),
    "messages[0].reasoning_details[0].data",
    "expected a string, got nothing",
  ],
  [
    assistant({ reasoning_details: [{ type: "reasoning.encrypted", data: "x", attached_to: SECRET }] }),
    "messages[0].reasoning_details",
    "attached_to names neither",
  ],
  [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id", "expected a string, got nothing"],
  [{ messages: [{ role: "function", name: "f", content: "x" }] }, "messages[0]", "no earlier assistant message calls"],
  [{ tools: NAMED }, "tools", "expected an array, got an object"],
  [tool(SECRET), "tools[0]", "expected an object, got a string"],
  [tool({ type: "function" }), "tools[0].function", "expected an object, got nothing"],
  [tool({ type: "function", function: {} }), "tools[0].function.name", "expected a string, got nothing"],
  [
    tool({ type: "function", function: { name: "f", parameters: "{}" } }),
    "tools[0].function.parameters",
    "expected an object, got a string",
  ],
  [
    tool({ type: "function", function: { name: "f", strict: "yes" } }),
    "tools[0].function.strict",
    "expected true or false",
  ],
  [
    tool({ type: "function", function: { name: "f", returns: {} } }),
    "tools[0].function.returns",
    "no such field is known here",
  ],
  [
    tool({ type: "custom", custom: { name: "f", format: { type: "regex" } } }),
    "tools[0].custom.format.type",
    "expected one of text, grammar",
  ],
  [{ tools: [NAMED], functions: [{ name: "f" }] }, "functions", "predecessor of tools"],
  [{ tool_choice: "any" }, "tool_choice", "expected one of none, auto, required"],
  [{ tool_choice: { type: "function", function: {} } }, "tool_choice.function.name", "expected a string"],
  [{ tool_choice: { type: "tool" } }, "tool_choice.type", "expected one of function, custom, allowed_tools"],
  [
    { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "none", tools: [] } } },
    "tool_choice.allowed_tools.mode",
    "expected one of auto, required",
  ],
  [{ function_call: "required" }, "function_call", "expected one of none, auto"],
  [{ parallel_tool_calls: "no" }, "parallel_tool_calls", "expected true or false"],
  [
    { web_search_options: { user_location: { type: "exact" } } },
    "web_search_options.user_location.type",
    "expected one of approximate",
  ],
  [{ response_format: "json" }, "response_format", "expected an object, got a string"],
  [{ response_format: { type: "xml" } }, "response_format.type", "expected one of text, json_object, json_schema"],
  [
    { response_format: { type: "json_schema", json_schema: {} } },
    "response_format.json_schema.name",
    "expected a string, got nothing",
  ],
  [
    { response_format: { type: "json_schema", json_schema: { name: "s", schema: [] } } },
    "response_format.json_schema.schema",
    "expected an object, got an array",
  ],
  [{ response_format: { type: "json_object", schema: {} } }, "response_format.schema", "no such field is known here"],
  [{ modalities: ["smell"] }, "modalities[0]", "expected one of text, audio, image"],
  [{ audio: { voice: 5, format: "wav" } }, "audio.voice", "expected a string, got a number"],
  [{ prediction: { type: "text", content: SECRET } }, "prediction.type", "expected one of content"],
  [{ temperature: "hot" }, "temperature", "expected a number, got a string"],
  [{ max_tokens: 1.5 }, "max_tokens", "expected an integer"],
  [{ max_tokens: -1 }, "max_tokens", "expected an integer"],
  [{ max_tokens: 5_000_000_000 }, "max_tokens", "expected an integer"],
  [{ max_tokens: 5, max_completion_tokens: 6 }, "max_tokens", "its successor, has another value"],
  [{ n: "2" }, "n", "expected a number, got a string"],
  [{ seed: 1.5 }, "seed", "expected an integer from -2^63"],
  [{ stop: 5 }, "stop", "expected a string or an array of strings, got a number"],
  [{ stop: ["a", 5] }, "stop[1]", "expected a string, got a number"],
  [{ logit_bias: { "5": SECRET } }, "logit_bias.5", "expected a number, got a string"],
  [{ logprobs: 5 }, "logprobs", "expected true or false, got a number"],
  [{ stream: "yes" }, "stream", "expected true or false, got a string"],
  [{ stream_options: { include_usage: true } }, "stream_options", "only allowed when stream is true"],
  [
    { stream: true, stream_options: { include_all: true } },
    "stream_options.include_all",
    "no such field is known here",
  ],
  [{ metadata: { a: 5 } }, "metadata.a", "expected a string, got a number"],
  [{ metadata: [] }, "metadata", "expected an object, got an array"],
  [{ user: "a", safety_identifier: "b" }, "user", "its successor, has another value"],
  [{ reasoning_effort: "extreme" }, "reasoning_effort", "expected one of none, minimal, low"],
  [{ reasoning_effort: "low", reasoning: { effort: "high" } }, "reasoning.effort", "has another value"],
  [{ enable_thinking: true, thinking: { type: "disabled" } }, "enable_thinking", "thinking.type has another value"],
  [{ thinking: { type: "auto" } }, "thinking.type", "expected one of enabled, disabled"],
  [{ seed: 1, random_seed: 2 }, "random_seed", "seed has another value"],
  [{ random_seed: 1.5 }, "random_seed", "expected an integer"],
  [{ reasoning: { depth: 5 } }, "reasoning.depth", "no such field is known here"],
  [
    { prompt_cache_options: { mode: "explicit" } },
    "prompt_cache_options.mode",
    "Cannot honour",
    "UNSUPPORTED_PARAMETER",
  ],
  [{ prompt_cache_retention: "1y" }, "prompt_cache_retention", "expected one of in_memory, 24h"],
  [{ provider: { order: "a" } }, "provider.order", "expected an array, got a string"],
  [{ provider: { sort: "alphabet" } }, "provider.sort", "expected one of price, throughput, latency"],
  [{ provider: { data_collection: true } }, "provider.data_collection", "expected a string"],
  [{ provider: { max_price: { prompt: -1 } } }, "provider.max_price.prompt", "expected USD"],
  [{ provider: { max_price: { prompt: "1e3" } } }, "provider.max_price.prompt", "expected USD"],
  [{ provider: { max_price: { image: 1 } } }, "provider.max_price.image", "Cannot honour", "UNSUPPORTED_PARAMETER"],
  [{ provider: { quantizations: ["fp8"] } }, "provider.quantizations", "Cannot honour", "UNSUPPORTED_PARAMETER"],
  [{ provider: { fallback: true } }, "provider.fallback", "no such field is known here"],
  [
    { provider: { only: ["a"] }, parley: { constraints: { allow_providers: ["b"] } } },
    "parley.constraints",
    "provider sets the same constraint",
  ],
  [{ parley: "x" }, "parley", "expected an object, got a string"],
  [{ parley: { speed: 1 } }, "parley.speed", "no such field is known here"],
  [{ parley: { constraints: { colour: "red" } } }, "parley.constraints.colour", "no such field is known here"],
  [{ parley: { delivery: "restartable" } }, "parley.delivery", "Cannot honour", "UNSUPPORTED_PARAMETER"],
  [{ parley: { delivery: "fast" } }, "parley.delivery", "expected one of commit, auto, hold"],
  [{ parley: { priority: "high" } }, "parley.priority", "expected one of interactive, batch"],
  [{ parley: { task: 7 } }, "parley.task", "expected a string, got a number"],
  [{ parley: { on_refusal: "retry" } }, "parley.on_refusal", "expected one of answer, next_target"],
  [
    { parley: { constraints: { max_first_content_p95_ms: 0.5 } } },
    "parley.constraints.max_first_content_p95_ms",
    "expected an integer",
  ],
  [{ parley: { raw_params: { house: SECRET } } }, "parley.raw_params.house", "expected an object, got a string"],
  [{ "tools[0].function": {} }, "tools[0].function", "no provider has a field of this name"],
];

describe("decodeRequest refuses, naming path, expectation and type, never the value", () => {
  test.each(TABLE)("%j", (fields, field, text, reason = "INVALID_REQUEST") => {
    const error = errorOf(fields);
    expect({ reason: reasonName(error.reason), field: error.field }).toEqual({ reason, field });
    expect(error.message).toContain(text);
    expect(error.message).not.toContain(SECRET);
  });

  test.each([
    '{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"stream":true}}',
    '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"name":"x"}}]}',
    '{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":{"__proto__":"x"}}',
    '{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":{"__proto__":1}}',
    '{"model":"m","messages":[{"role":"user","content":"x"}],"parley":{"raw_params":{"__proto__":{}}}}',
  ])("a __proto__ in %s", (body) => {
    expect(() => decodeRequest(Buffer.from(body), { maxDepth: 32 })).toThrow(/__proto__/);
    expect(({} as Record<string, unknown>)["stream"]).toBeUndefined();
  });
});
