import type { Wire } from "./oracles/oracle.ts";

// Recorded requests of chat completions in one way of writing them, in which they can be compared.

/**
 * A vendor's own spelling as the format of OpenAI has it, which is what the door takes: names and types that some leave
 * out, texts where others have an object, and one vendor's word for a demanded call.
 */
export function inOpenAiWords(body: Wire): Wire {
  const { tool_choice: choice, tools, response_format: format, messages, ...rest } = body;
  return defined({
    ...rest,
    messages: (messages as Wire[]).map(({ content, ...message }) => ({
      ...without(message, ["prefix"]),
      content: Array.isArray(content) ? (content as Wire[]).map(partInOpenAiWords) : content,
    })),
    tools: (tools as Wire[] | undefined)?.map((tool) => ({ type: "function", ...tool })),
    tool_choice: choice === "any" ? "required" : choice?.function ? { type: "function", ...choice } : choice,
    response_format: format?.json_schema
      ? { ...format, json_schema: { name: "response", ...format.json_schema } }
      : format,
  });
}

function partInOpenAiWords(part: Wire): Wire {
  const { image_url: image, input_audio: sound } = part;
  if (typeof image === "string") return { ...part, image_url: { url: image } };
  if (typeof sound === "string") return { ...part, input_audio: { data: sound, format: "mp3" } };
  return part;
}

// How to reason has a reader of its own, where the request may go is the gateway's affair, and usage is always asked for.
const COMPARED_ELSEWHERE = [
  "reasoning",
  "reasoning_effort",
  "thinking",
  "enable_thinking",
  "provider",
  "stream_options",
];

/**
 * What a request says, whatever the vendor's names. The same and written differently are: null and absence; a text and a
 * list of one text; one stop and a list of it; `n: 1` and `stream: false` and absence; the successors of deprecated
 * members.
 */
export function saidBy(body: Wire, provider: string): Wire {
  const { max_tokens, max_completion_tokens, user, safety_identifier, seed, random_seed, ...others } =
    inOpenAiWords(body);
  const { functions, function_call, tools, tool_choice, stop, stream, n, temperature, messages, ...rest } = others;
  const oldTools = (functions as Wire[] | undefined)?.map((one) => ({ type: "function", function: one }));
  return defined({
    ...without(rest, COMPARED_ELSEWHERE),
    limit: max_completion_tokens ?? max_tokens,
    user: safety_identifier ?? user,
    seed: seed ?? random_seed,
    tools: tools ?? oldTools,
    tool_choice: tool_choice === "any" ? "required" : (tool_choice ?? function_call),
    stop: typeof stop === "string" ? [stop] : stop,
    stream: stream === true ? true : undefined,
    n: n === 1 ? undefined : n,
    // Its reasoning models take no other.
    temperature: provider === "openai" && temperature === 1 ? undefined : temperature,
    messages: (messages as Wire[]).map(messageSaid),
  });
}

function messageSaid(message: Wire): Wire {
  const { content, reasoning, reasoning_content, reasoning_details, cache_control, tool_calls, ...rest } = message;
  const parts = Array.isArray(content)
    ? (content as Wire[])
    : content
      ? [{ type: "text", text: content as string }]
      : [];
  const marked = cache_control ? [...parts.slice(0, -1), { ...parts.at(-1), cache_control }] : parts;
  const details = ((reasoning_details ?? []) as Wire[]).map(({ text }) => text ?? "").join("");
  // Left over from the stream that the calls came in.
  const calls = (tool_calls as Wire[] | undefined)?.map((call) => without(call, ["index"]));
  return {
    ...rest,
    tool_calls: calls,
    content: marked,
    thought: details || reasoning_content || reasoning || undefined,
  };
}

/** The words of a request on how to reason. */
export function reasoningOf(body: Wire): Wire {
  const { reasoning, reasoning_effort, thinking, enable_thinking } = body;
  const named = thinking?.type === undefined ? undefined : thinking.type !== "disabled";
  const effort = (reasoning_effort ?? reasoning?.effort) as string | undefined;
  const enabled = reasoning?.enabled ?? enable_thinking ?? named;
  return effort === "none" || enabled === false ? { enabled: false } : defined({ effort, enabled });
}

function without(object: Wire, names: readonly string[]): Wire {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function defined(value: unknown): any {
  if (Array.isArray(value)) return value.map(defined);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(kept.map(([name, member]) => [name, defined(member)]));
}
