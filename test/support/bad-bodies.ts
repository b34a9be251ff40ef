import { REQUEST_FIELDS } from "../../src/surfaces/openai/decode-request.ts";

// What callers can get wrong in a body: in the shape of each surface, and as text that no JSON writer would make.

/** Stands wherever a value of the caller's stands: it must not come back in an error. */
export const CANARY = "canary-7d1f0e";

/** A model whose upstream would answer: whatever is refused must not have reached it. */
const UNREACHED_MODEL = "sandbox/echo@delay_ms=0,id=unreached";

/** A member of a JSON object, by the object's shape at one surface. */
type Members = Readonly<Record<string, unknown>>;

/** One thing that is wrong with a request, said in both shapes. */
export interface BadRequest {
  readonly name: string;
  /** Laid over a good request in OpenAI's shape; undefined: it cannot be said there. */
  readonly rest?: Members;
  /** Laid over a good `ChatRequest` in JSON; undefined: it cannot be said there. */
  readonly contract?: Members;
  /** Whether the contract's JSON is refused while it is decoded, so that there is no binary form to try. */
  readonly onlyJson?: boolean;
  /** One of these reasons. Unset: INVALID_REQUEST. */
  readonly reasons?: readonly string[];
  /** What the error's field must be; unset: anything. `rest` where that surface has its own name. */
  readonly field?: string;
  readonly restField?: string | undefined;
}

const user = (content: unknown): Members => ({ role: "user", content });
const part = (kind: Members): Members => ({ messages: [{ role: "ROLE_USER", parts: [kind] }] });
const deep = (depth: number): unknown => JSON.parse(nested(depth));
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const many = <T>(count: number, item: T): T[] => new Array<T>(count).fill(item);
const manyNamed = (count: number, value: unknown): Members =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`name${index}`, value]));
const functionTool = (parameters: unknown): Members => ({
  type: "function",
  function: { name: "look_up", parameters },
});
const contractTool = (more: Members): Members => ({ function: { name: "look_up", ...more } });
const schema = (value: unknown): Members => ({ type: "json_schema", json_schema: { name: "pair", schema: value } });

/** The members of a good request of OpenAI's shape. */
export const GOOD_REST = { model: UNREACHED_MODEL, messages: [user(CANARY)] };
/** A good `ChatRequest` in JSON. */
export const GOOD_CONTRACT = { model: UNREACHED_MODEL, ...part({ text: { text: CANARY } }) };

const ranges: BadRequest[] = [
  ["temperature", 3],
  ["temperature", -0.1],
  ["top_p", 1.5],
  ["min_p", -1],
  ["frequency_penalty", 3],
  ["presence_penalty", -3],
  ["repetition_penalty", 0],
  ["top_logprobs", 21],
].map(([name, value]) => ({
  name: `${name} ${value}`,
  rest: { [name!]: value },
  contract: { sampling: { [name!]: value } },
  field: `sampling.${name}`,
  restField: String(name),
}));

const notNumbers: BadRequest[] = ["NaN", "Infinity", "-Infinity"].map((word) => ({
  name: `temperature ${word}`,
  rest: { temperature: word },
  contract: { sampling: { temperature: word } },
  field: "sampling.temperature",
  restField: "temperature",
}));

// Numbers that the wire type cannot hold are refused while JSON is decoded.
const overflows: BadRequest[] = [
  ["n", "candidates", -1],
  ["n", "candidates", 1.5],
  ["n", "candidates", 2 ** 32],
  ["max_completion_tokens", "max_output_tokens", -5],
  ["max_tokens", "max_output_tokens", 1e300],
  ["top_k", "top_k", 0.5],
  ["seed", "seed", 0.5],
  ["seed", "seed", 1e30],
].map(([rest, contract, value]) => ({
  name: `${contract} ${value}`,
  rest: { [rest!]: value },
  contract: { sampling: { [contract!]: value } },
  onlyJson: true,
  field: `sampling.${contract}`,
  restField: String(rest),
}));

const counts: BadRequest[] = [
  {
    name: "no candidate",
    rest: { n: 0 },
    contract: { sampling: { candidates: 0 } },
    field: "sampling.candidates",
    restField: "n",
  },
  {
    name: "129 candidates",
    rest: { n: 129 },
    contract: { sampling: { candidates: 129 } },
    field: "sampling.candidates",
    restField: "n",
  },
  { name: "no message", rest: { messages: [] }, contract: { messages: [] }, field: "messages" },
  {
    name: "10,001 messages",
    rest: { messages: many(10_001, user("x")) },
    contract: { messages: many(10_001, { role: "ROLE_USER" }) },
    field: "messages",
  },
  {
    name: "1,001 tools",
    rest: { tools: many(1001, functionTool({})) },
    contract: { tools: many(1001, contractTool({})) },
    field: "tools",
  },
  {
    name: "65 stop sequences",
    rest: { stop: many(65, CANARY) },
    contract: { sampling: { stop: many(65, CANARY) } },
    field: "sampling.stop",
    restField: "stop",
  },
  {
    name: "an empty stop sequence",
    rest: { stop: [""] },
    contract: { sampling: { stop: [""] } },
    field: "sampling.stop[0]",
    restField: "stop[0]",
  },
  {
    name: "a long stop sequence",
    rest: { stop: [CANARY.repeat(80)] },
    contract: { sampling: { stop: [CANARY.repeat(80)] } },
    field: "sampling.stop[0]",
    restField: "stop[0]",
  },
  {
    name: "65 pairs of metadata",
    rest: { metadata: manyNamed(65, CANARY) },
    contract: { metadata: manyNamed(65, CANARY) },
    field: "metadata",
  },
  {
    name: "33 tags",
    rest: { parley: { tags: manyNamed(33, CANARY) } },
    contract: { tags: manyNamed(33, CANARY) },
    field: "tags",
    restField: "parley.tags",
  },
  {
    name: "2,049 biases",
    rest: { logit_bias: manyNamed(2049, 1) },
    contract: { sampling: { logit_bias: manyNamed(2049, 1) } },
    field: "sampling.logit_bias",
    restField: "logit_bias",
  },
  {
    name: "a bias of 101",
    rest: { logit_bias: { "50256": 101 } },
    contract: { sampling: { logit_bias: { "50256": 101 } } },
    field: 'sampling.logit_bias["50256"]',
    restField: 'logit_bias["50256"]',
  },
  {
    name: "17 fallbacks",
    rest: { models: many(17, "x/y") },
    contract: { routing: { fallback_models: many(17, "x/y") } },
    field: "routing.fallback_models",
    restField: "models",
  },
  {
    name: "six attempts",
    rest: { parley: { max_attempts: 6 } },
    contract: { routing: { max_attempts: 6 } },
    field: "routing.max_attempts",
    restField: "parley.max_attempts",
  },
  {
    name: "a long model name",
    rest: { model: CANARY.repeat(40) },
    contract: { model: CANARY.repeat(40) },
    field: "model",
  },
  {
    name: "a long user id",
    rest: { user: CANARY.repeat(80) },
    contract: { end_user_id: CANARY.repeat(80) },
    field: "end_user_id",
    restField: "safety_identifier",
  },
  {
    name: "a negative price limit",
    rest: { provider: { max_price: { prompt: -1 } } },
    contract: { routing: { constraints: { max_input_nano_usd_per_million_tokens: -1 } } },
    field: "routing.constraints.max_input_nano_usd_per_million_tokens",
    restField: "provider.max_price.prompt",
  },
];

const words: BadRequest[] = [
  {
    name: "a role that does not exist",
    rest: { messages: [{ role: CANARY, content: "x" }] },
    contract: { messages: [{ role: CANARY }] },
    onlyJson: true,
    field: "messages[0].role",
  },
  {
    name: "a role by a number that does not exist",
    contract: { messages: [{ role: 99, parts: [{ text: { text: "x" } }] }] },
    field: "messages[0].role",
  },
  {
    name: "no role",
    rest: { messages: [{ content: CANARY }] },
    contract: { messages: [{ parts: [{ text: { text: CANARY } }] }] },
    field: "messages[0].role",
  },
  {
    name: "an effort that does not exist",
    rest: { reasoning_effort: CANARY },
    contract: { reasoning: { effort: CANARY } },
    onlyJson: true,
    field: "reasoning.effort",
    restField: "reasoning_effort",
  },
  {
    name: "a priority that does not exist",
    rest: { parley: { priority: CANARY } },
    contract: { routing: { priority: CANARY } },
    onlyJson: true,
    field: "routing.priority",
    restField: "parley.priority",
  },
  {
    name: "a task that does not exist",
    rest: { model: "auto", parley: { task: CANARY } },
    contract: { model: "auto", routing: { task: CANARY } },
    field: "routing.task",
    restField: "parley.task",
  },
  {
    name: "a task beside a model of its own",
    rest: { parley: { task: CANARY } },
    contract: { routing: { task: CANARY } },
    field: "routing.task",
    restField: "parley.task",
  },
  {
    name: "a delivery that does not exist",
    rest: { parley: { delivery: CANARY } },
    contract: { delivery: CANARY },
    onlyJson: true,
    field: "delivery",
    restField: "parley.delivery",
  },
  {
    name: "a modality that does not exist",
    rest: { modalities: [CANARY] },
    contract: { output: { modalities: [CANARY] } },
    onlyJson: true,
    field: "output.modalities[0]",
    restField: "modalities[0]",
  },
  {
    name: "a tool's name with a space",
    rest: { tools: [{ type: "function", function: { name: "no good" } }] },
    contract: { tools: [{ function: { name: "no good" } }] },
    field: "tools[0].function.name",
  },
  {
    name: "a tool of no kind",
    rest: { tools: [{ type: "function" }] },
    contract: { tools: [{}] },
    field: "tools[0].kind",
    restField: "tools[0].function",
  },
  {
    name: "two tools of one name",
    rest: { tools: many(2, functionTool({})) },
    contract: { tools: many(2, contractTool({})) },
    field: "tools[1].function.name",
  },
  {
    name: "a choice of a tool that is not there",
    rest: { tools: [functionTool({})], tool_choice: { type: "function", function: { name: CANARY } } },
    contract: { tools: [contractTool({})], tool_choice: { names: [CANARY] } },
    field: "tool_choice.names[0]",
    restField: "tool_choice",
  },
  {
    name: "a tool's schema that is no JSON",
    contract: { tools: [contractTool({ parameters_json: `{"${CANARY}` })] },
    field: "tools[0].function.parameters_json",
  },
  {
    name: "a tool's schema that is a list",
    rest: { tools: [functionTool([CANARY])] },
    contract: { tools: [contractTool({ parameters_json: `["${CANARY}"]` })] },
    field: "tools[0].function.parameters_json",
    restField: "tools[0].function.parameters",
  },
  {
    name: "an output schema that is no object",
    rest: { response_format: schema(CANARY) },
    contract: { output: { json_schema: { name: "pair", schema_json: `"${CANARY}"` } } },
    field: "output.json_schema.schema_json",
    restField: "response_format.json_schema.schema",
  },
  {
    name: "parameters for a provider that are no object",
    rest: { parley: { raw_params: { sandbox: CANARY } } },
    contract: { raw_params: [{ provider: "sandbox", json: `"${CANARY}"` }] },
    field: "raw_params[0].json",
    restField: "parley.raw_params.sandbox",
  },
  {
    name: "media of no source",
    rest: { messages: [user([{ type: "image_url", image_url: {} }])] },
    contract: part({ media: { modality: "MODALITY_IMAGE" } }),
    reasons: ["INVALID_REQUEST", "INVALID_MEDIA"],
  },
  {
    name: "media of no modality",
    contract: part({ media: { url: "https://example.com/x.png" } }),
    field: "messages[0].parts[0].media.modality",
  },
  {
    name: "an image whose data URL is broken",
    rest: { messages: [user([{ type: "image_url", image_url: { url: `data:image/png;base64,${CANARY}!` } }])] },
    reasons: ["INVALID_MEDIA", "INVALID_REQUEST"],
    restField: "messages[0].content[0].image_url.url",
  },
  {
    name: "a part of no kind",
    rest: { messages: [user([{ type: CANARY }])] },
    contract: { messages: [{ role: "ROLE_USER", parts: [{}] }] },
    field: "messages[0].parts[0]",
    restField: "messages[0].content[0].type",
  },
  {
    name: "a tool call by the user",
    contract: part({ tool_call: { call_id: "1", name: "look_up", arguments_json: "{}" } }),
    field: "messages[0].parts[0]",
  },
  {
    name: "a tool result without its call's id",
    rest: { messages: [{ role: "tool", content: CANARY }] },
    contract: {
      messages: [{ role: "ROLE_TOOL", parts: [{ tool_result: { content: [{ text: { text: CANARY } }] } }] }],
    },
    field: "messages[0].parts[0].tool_result.call_id",
    restField: "messages[0].tool_call_id",
  },
  {
    name: "a continuation that is not the last message",
    rest: { messages: [{ role: "assistant", content: CANARY, prefix: true }, user("x")] },
    contract: {
      messages: [{ role: "ROLE_ASSISTANT", prefill: true, parts: [{ text: { text: CANARY } }] }, { role: "ROLE_USER" }],
    },
    field: "messages[0].prefill",
    restField: "messages[0].prefix",
  },
];

const unknown: BadRequest[] = [
  {
    name: "an unknown field",
    rest: { "no such field": CANARY },
    contract: { no_such_field: CANARY },
    onlyJson: true,
    field: "no_such_field",
    restField: "no such field",
  },
  {
    name: "an unknown field in a message",
    rest: { messages: [{ ...user("x"), no_such_field: CANARY }] },
    contract: { messages: [{ role: "ROLE_USER", no_such_field: CANARY }] },
    onlyJson: true,
    field: "messages[0].no_such_field",
  },
  {
    name: "an unknown extension",
    rest: { parley: { no_such_field: CANARY } },
    contract: { routing: { no_such_field: CANARY } },
    onlyJson: true,
    field: "routing.no_such_field",
    restField: "parley.no_such_field",
  },
  {
    name: "__proto__",
    rest: { ["__proto__"]: { polluted: CANARY } },
    contract: { ["__proto__"]: { polluted: CANARY } },
    onlyJson: true,
    field: "__proto__",
  },
  {
    name: "__proto__ in a message",
    rest: { messages: [{ ...user("x"), ["__proto__"]: { polluted: CANARY } }] },
    contract: { messages: [{ role: "ROLE_USER", ["__proto__"]: { polluted: CANARY } }] },
    onlyJson: true,
    field: "messages[0].__proto__",
  },
  {
    name: "constructor in a message",
    rest: { messages: [{ ...user("x"), constructor: { prototype: { polluted: CANARY } } }] },
    contract: { messages: [{ role: "ROLE_USER", constructor: { prototype: { polluted: CANARY } } }] },
    onlyJson: true,
    field: "messages[0].constructor",
  },
  { name: "__proto__ among metadata", rest: { metadata: { ["__proto__"]: CANARY } }, restField: "metadata.__proto__" },
  {
    name: "__proto__ among tags",
    rest: { parley: { tags: { ["__proto__"]: CANARY } } },
    restField: "parley.tags.__proto__",
  },
  { name: "__proto__ among biases", rest: { logit_bias: { ["__proto__"]: 1 } }, restField: "logit_bias.__proto__" },
  {
    name: "a model that nobody has",
    rest: { model: "no-such-model" },
    contract: { model: "no-such-model" },
    reasons: ["MODEL_NOT_FOUND"],
    field: "model",
  },
  {
    name: "a fallback that nobody has",
    rest: { models: ["no-such-model"] },
    contract: { routing: { fallback_models: ["no-such-model"] } },
    reasons: ["MODEL_NOT_FOUND"],
  },
  { name: "a model of nothing", rest: { model: "" }, contract: { model: "" }, field: "model" },
  {
    name: "a provider that nobody has",
    rest: { provider: { only: ["nobody"] } },
    contract: { routing: { constraints: { allow_providers: ["nobody"] } } },
    reasons: ["NO_ELIGIBLE_TARGET"],
  },
];

// Where a schema is a text of its own, the limit of nesting is not that of the request: it must hold all the same.
const depths = [70, 5_000].flatMap((depth): BadRequest[] =>
  [
    {
      name: `a tool's schema ${depth} deep`,
      rest: { tools: [functionTool(deep(depth))] },
      contract: { tools: [contractTool({ parameters_json: nested(depth) })] },
      field: "tools[0].function.parameters_json",
    },
    {
      name: `an output schema ${depth} deep`,
      rest: { response_format: schema(deep(depth)) },
      contract: { output: { json_schema: { name: "pair", schema_json: nested(depth) } } },
      field: "output.json_schema.schema_json",
    },
    {
      name: `parameters for a provider ${depth} deep`,
      rest: { parley: { raw_params: { sandbox: deep(depth) } } },
      contract: { raw_params: [{ provider: "sandbox", json: nested(depth) }] },
      field: "raw_params[0].json",
    },
  ].map((row) => ({ ...row, restField: undefined })),
);

const later: BadRequest[] = [
  {
    name: "finishing without the caller",
    rest: { parley: { on_disconnect: "finish" } },
    contract: { on_disconnect: "ON_DISCONNECT_FINISH" },
    field: "on_disconnect",
    restField: "parley.on_disconnect",
  },
  { name: "quantizations", rest: { provider: { quantizations: ["int4"] } }, restField: "provider.quantizations" },
].map((row) => ({ ...row, reasons: ["UNSUPPORTED_PARAMETER"] }));

// Fields of OpenAI's shape that may be a text; a number is wrong for all of them, and a text for all others.
const TEXTS = new Set(
  "model user safety_identifier service_tier verbosity reasoning_effort prompt_cache_key prompt_cache_retention stop tool_choice function_call".split(
    " ",
  ),
);

const restTypes: BadRequest[] = [...REQUEST_FIELDS].map((name) => ({
  name: `${name} of the wrong type`,
  rest: { [name]: TEXTS.has(name) ? 12_345 : CANARY },
  restField: name,
}));

/** Everything that is wrong with a request that is otherwise whole. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  ...ranges,
  ...notNumbers,
  ...overflows,
  ...counts,
  ...words,
  ...unknown,
  ...depths,
  ...later,
  ...restTypes,
];

const broken = (good: string): string => good.slice(0, -9);

/** What is wrong with a text before any field is read: made from a good one. */
export const BAD_TEXTS: readonly (readonly [name: string, spoil: (good: string) => string | Uint8Array])[] = [
  ["nothing", () => ""],
  ["white space", () => " \r\n\t "],
  ["no JSON", () => CANARY],
  ["JSON that is cut", broken],
  ["JSON of one brace", () => "{"],
  ["JSON with something behind it", (good) => `${good} ${CANARY}`],
  ["JSON with a comma too many", (good) => good.replace("{", "{,")],
  ["JSON in single quotes", (good) => good.replaceAll('"', "'")],
  ["JSON with a comment", (good) => good.replace("{", `{/*${CANARY}*/`)],
  ["a bare control character in a text", (good) => good.replace(CANARY, `${CANARY}\u0000`)],
  ["NaN in place of a value", (good) => good.replace(`"${CANARY}"`, "NaN")],
  ["a list", () => `["${CANARY}"]`],
  ["a text", () => `"${CANARY}"`],
  ["a number", () => "7"],
  ["null", () => "null"],
  ["true", () => "true"],
  ["bytes that are no UTF-8", (good) => Buffer.from(good.replace(CANARY, `\xff\xfe${CANARY}`), "latin1")],
  ["UTF-16", (good) => Buffer.from(good, "utf16le")],
  ["half a surrogate pair", (good) => good.replace(CANARY, `${CANARY}\\ud800`)],
  ["the model twice", (good) => good.replace('"model"', '"model":"other","model"')],
  ["65 levels", (good) => good.replace("{", `{"x":${nested(64)},`)],
  ["100,000 levels of lists", (good) => good.replace("{", `{"x":${"[".repeat(100_000)}${"]".repeat(100_000)},`)],
  ["100,000 levels that never close", () => "[".repeat(100_000)],
  ["100,000 levels of objects", (good) => good.replace("{", `{"x":${nested(100_000)},`)],
];
