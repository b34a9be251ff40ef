import { refuse } from "../openai-service/errors.ts";

// Which parameters the API has, and what each must look like. Source:
// https://platform.openai.com/docs/api-reference/chat/create, checked 2026-11. Error codes and words are those of recorded
// answers. Null means unset.

/** Checks a value that is neither absent nor null; refuses it by throwing. */
type Check = (value: unknown, path: string) => void;

/** Says what a JSON value is, in the words of OpenAI's messages. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  if (typeof value === "number") return Number.isInteger(value) ? "an integer" : "a decimal";
  return typeof value === "boolean" ? "a boolean" : "a string";
}

/** Refuses a value of the wrong type. */
export function refuseType(path: string, expected: string, value: unknown): never {
  refuse("invalid_type", path, `Invalid type for '${path}': expected ${expected}, but got ${describe(value)} instead.`);
}

function numeric(kind: "integer" | "decimal", least: number, most: number): Check {
  return (value, path) => {
    const article = kind === "integer" ? "an integer" : "a decimal";
    if (typeof value !== "number" || (kind === "integer" && !Number.isInteger(value))) refuseType(path, article, value);
    if (value >= least && value <= most) return;
    const [side, word, sign, bound] =
      value < least ? ["below_min", "below minimum", ">=", least] : ["above_max", "above maximum", "<=", most];
    const message = `Invalid '${path}': ${kind} ${word} value. Expected a value ${sign} ${bound}, but got ${value} instead.`;
    refuse(`${kind}_${side}_value`, path, message);
  };
}

function text(maxLength = Infinity): Check {
  return (value, path) => {
    if (typeof value !== "string") refuseType(path, "a string", value);
    if (value.length <= maxLength) return;
    const lengths = `Expected a string with maximum length ${maxLength}, but got a string with length ${value.length} instead.`;
    refuse("string_above_max_length", path, `Invalid '${path}': string too long. ${lengths}`);
  };
}

/** One of these words. */
function oneOf(...words: readonly string[]): Check {
  return (value, path) => {
    if (typeof value !== "string") refuseType(path, `one of '${words.join("', '")}'`, value);
    if (words.includes(value)) return;
    refuse("invalid_value", path, `Invalid value: '${value}'. Supported values are: '${words.join("', '")}'.`);
  };
}

function listOf(check: Check, most: number): Check {
  return (value, path) => {
    if (!Array.isArray(value)) refuseType(path, "an array", value);
    if (value.length > most) {
      const lengths = `Expected an array with maximum length ${most}, but got an array with length ${value.length} instead.`;
      refuse("array_above_max_length", path, `Invalid '${path}': array too long. ${lengths}`);
    }
    value.forEach((item, index) => check(item, `${path}[${index}]`));
  };
}

function either(first: Check, expected: string, ...types: readonly string[]): Check {
  return (value, path) => {
    if (types.includes(Array.isArray(value) ? "array" : typeof value)) first(value, path);
    else refuseType(path, expected, value);
  };
}

/** An object; with members, no others are allowed. */
function object(members?: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) refuseType(path, "an object", value);
    for (const [name, member] of Object.entries(value)) {
      const check = members && Object.hasOwn(members, name) ? members[name] : undefined;
      if (members && !check) refuse("unknown_parameter", `${path}.${name}`, `Unknown parameter: '${path}.${name}'.`);
      if (member !== null) check?.(member, `${path}.${name}`);
    }
  };
}

const flag: Check = (value, path) => {
  if (typeof value !== "boolean") refuseType(path, "a boolean", value);
};

const stringOrList: Check = (value, path) => (typeof value === "string" ? undefined : listOf(text(), 4)(value, path));
const anything: Check = () => undefined;
const choiceOfTool = either(
  (value, path) => (typeof value === "string" ? oneOf("none", "auto", "required")(value, path) : undefined),
  "one of 'none', 'auto', 'required' or an object",
  "string",
  "object",
);

/** The top-level parameters besides `model` and `messages`. */
const PARAMETERS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["audio", object()],
  ["frequency_penalty", numeric("decimal", -2, 2)],
  ["function_call", either(anything, "one of 'none', 'auto' or an object", "string", "object")],
  ["functions", listOf(object(), 128)],
  ["logit_bias", object()],
  ["logprobs", flag],
  ["max_completion_tokens", numeric("integer", 1, Number.MAX_SAFE_INTEGER)],
  ["max_tokens", numeric("integer", 1, Number.MAX_SAFE_INTEGER)],
  ["metadata", object()],
  ["modalities", listOf(oneOf("text", "audio"), 2)],
  ["moderation", object()],
  ["n", numeric("integer", 1, 128)],
  ["parallel_tool_calls", flag],
  [
    "prediction",
    object({ type: oneOf("content"), content: either(anything, "a string or an array", "string", "array") }),
  ],
  ["presence_penalty", numeric("decimal", -2, 2)],
  ["prompt_cache_key", text()],
  ["prompt_cache_options", object()],
  ["prompt_cache_retention", text()],
  ["reasoning_effort", oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max")],
  ["response_format", object()],
  ["safety_identifier", text()],
  ["seed", numeric("integer", -(2 ** 63), 2 ** 63)],
  ["service_tier", oneOf("auto", "default", "flex", "scale", "priority")],
  ["stop", either(stringOrList, "a string or an array of strings", "string", "array")],
  ["store", flag],
  ["stream", flag],
  ["stream_options", object({ include_usage: flag, include_obfuscation: flag })],
  ["temperature", numeric("decimal", 0, 2)],
  ["tool_choice", choiceOfTool],
  ["tools", listOf(object(), 128)],
  ["top_logprobs", numeric("integer", 0, 20)],
  ["top_p", numeric("decimal", 0, 1)],
  ["user", text()],
  ["verbosity", oneOf("low", "medium", "high")],
  ["web_search_options", object()],
]);

/** Refuses unknown parameters and values of the wrong type or size. */
export function checkParameters(request: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(request)) {
    if (name === "model" || name === "messages") continue;
    const check = PARAMETERS.get(name);
    if (!check) refuse("unknown_parameter", name, `Unknown parameter: '${name}'.`);
    if (value !== null) check(value, name);
  }
  checkCombinations(request);
}

function checkCombinations(request: Readonly<Record<string, unknown>>): void {
  const has = (name: string) => request[name] !== undefined && request[name] !== null;
  if (has("stream_options") && request["stream"] !== true) {
    refuse(null, "stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  }
  if (has("top_logprobs") && request["logprobs"] !== true) {
    refuse(null, "top_logprobs", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.");
  }
  for (const name of ["tool_choice", "parallel_tool_calls"]) {
    if (has(name) && !has("tools")) refuse(null, name, `'${name}' is only allowed when 'tools' are specified.`);
  }
  if (has("max_tokens") && has("max_completion_tokens")) {
    const message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
    refuse("invalid_parameter_combination", "max_tokens", message);
  }
}
