import { create } from "@bufbuild/protobuf";
import {
  CachingSchema,
  RawParamsSchema,
  type Caching,
  type ChatRequest,
  type RawParams,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { cacheMark, optionalDuration } from "./decode-content.ts";
import { decodeMessages } from "./decode-messages.ts";
import { decodeOutput, decodePrediction } from "./decode-output.ts";
import { REASONING_FIELDS, decodeReasoningParameters } from "./decode-reasoning-parameters.ts";
import { decodeModels, decodeRouting } from "./decode-routing.ts";
import { SAMPLING_FIELDS, decodeSampling } from "./decode-sampling.ts";
import { decodeTools, noTools } from "./decode-tools.ts";
import {
  checkMembers,
  fieldNames,
  invalidField,
  isSet,
  notOneOf,
  optionalBoolean,
  optionalChoice,
  optionalObject,
  optionalString,
  stringMap,
  type JsonObject,
} from "./fields.ts";
import type { WatchedPaths } from "./json-scan.ts";
import { readJsonObject, type JsonText } from "./json-text.ts";

/** A request of the contract, and what only this surface needs to know. */
export interface DecodedRequest {
  readonly request: ChatRequest;
  readonly stream: boolean;
  /** Whether a stream ends with a chunk of usage figures. */
  readonly includeUsage: boolean;
  /** Whether answers use the deprecated `function_call`. */
  readonly legacyFunctions: boolean;
}

// Which decoder a field is for: one that no member of a request concerns is not asked, and most requests have few.
const TOOLS = 1;
const ROUTING = 2;
const UNKNOWN = 4;
const SAMPLING = 8;
const OUTPUT = 16;
const REASONING = 32;
const CACHING = 64;
const CALLER = 128;
const GROUPS: readonly (readonly [concern: number, fields: string])[] = [
  [0, "model messages stream stream_options"],
  [ROUTING, "models provider parley"],
  [TOOLS, "tools tool_choice parallel_tool_calls functions function_call web_search_options"],
  [OUTPUT, "response_format verbosity modalities audio"],
  [REASONING, REASONING_FIELDS.join(" ")],
  [CACHING, "prompt_cache_key prompt_cache_retention prompt_cache_options cache_control"],
  [CALLER, "user safety_identifier metadata store service_tier prediction"],
  [SAMPLING, SAMPLING_FIELDS.join(" ")],
];
const CONCERNS = new Map(
  GROUPS.flatMap(([concern, fields]) => fields.split(" ").map((field) => [field, concern] as const)),
);

/** Every top-level field that is not sent on as it came. */
export const REQUEST_FIELDS: ReadonlySet<string> = new Set(CONCERNS.keys());

function concernsOf(root: JsonObject): number {
  let concerns = 0;
  for (const name in root) concerns |= CONCERNS.get(name) ?? UNKNOWN;
  return concerns;
}

// Schemas and unknown fields leave as they came, character for character.
const WATCHED: WatchedPaths = [
  ["*"],
  ["tools", "*"],
  ["tools", "*", "function", "parameters"],
  ["functions", "*", "parameters"],
  ["response_format", "json_schema", "schema"],
  ["parley", "raw_params", "*"],
];

// The text of a seed may need more bits than a number has.
const UNWATCHED = REQUEST_FIELDS.difference(new Set(["seed", "random_seed"]));

/**
 * Decodes the body of POST /v1/chat/completions: every field of OpenAI's CreateChatCompletionRequest and the
 * extensions. Unknown top-level fields become `raw_params` of this dialect; unknown fields further in are refused.
 * Throws `INVALID_REQUEST`, `INVALID_MEDIA` or `UNSUPPORTED_PARAMETER` with the field's path.
 * https://platform.openai.com/docs/api-reference/chat/create
 */
export function decodeRequest(bytes: Buffer, options: { maxDepth: number }): DecodedRequest {
  const body = readJsonObject(bytes, { maxDepth: options.maxDepth, watch: WATCHED, unwatched: UNWATCHED });
  const { root } = body;
  const concerns = concernsOf(root);
  const { model, fallbackModels } = decodeModels(root);
  const { tools, toolChoice, legacy } = (concerns & TOOLS) === 0 ? noTools() : decodeTools(body);
  const { routing, delivery, onDisconnect, onRefusal, tags, rawParams, explain } = decodeRouting(body, fallbackModels);
  const request: ChatRequest = {
    $typeName: "parley.v1.ChatRequest",
    model,
    messages: decodeMessages(root["messages"]),
    tools,
    delivery,
    onDisconnect,
    onRefusal,
    tags,
    rawParams: (concerns & UNKNOWN) === 0 ? rawParams : [...unknownFields(body), ...rawParams],
    metadata: {},
    prediction: [],
  };
  assign(request, "explain", explain);
  assign(request, "toolChoice", toolChoice);
  assign(request, "routing", routing);
  if ((concerns & SAMPLING) !== 0) assign(request, "sampling", decodeSampling(body));
  if ((concerns & OUTPUT) !== 0) assign(request, "output", decodeOutput(body));
  if ((concerns & REASONING) !== 0) assign(request, "reasoning", decodeReasoningParameters(root));
  if ((concerns & CACHING) !== 0) assign(request, "caching", decodeCaching(root));
  if ((concerns & CALLER) !== 0) decodeCaller(root, request);
  const stream = optionalBoolean(root, "stream", "") ?? false;
  return { request, stream, includeUsage: includesUsage(root, stream), legacyFunctions: legacy };
}

/** What a request says of its caller, and what of it is to be kept. */
function decodeCaller(root: JsonObject, request: ChatRequest): void {
  request.metadata = stringMap(root, "metadata", "");
  request.prediction = decodePrediction(root);
  assign(request, "serviceTier", optionalString(root, "service_tier", ""));
  assign(request, "endUserId", endUserOf(root));
  assign(request, "store", optionalBoolean(root, "store", ""));
}

function assign<Name extends keyof ChatRequest>(
  request: ChatRequest,
  name: Name,
  value: ChatRequest[Name] | undefined,
): void {
  if (value !== undefined) request[name] = value;
}

function unknownFields(body: JsonText): RawParams[] {
  const members: string[] = [];
  for (const name in body.root) {
    if (REQUEST_FIELDS.has(name) || body.root[name] === null) continue;
    if (name === "__proto__" || !/^[A-Za-z_][\w-]*$/.test(name))
      throw invalidField(name, "no provider has a field of this name");
    members.push(`${JSON.stringify(name)}:${body.source(name) ?? "null"}`);
  }
  if (members.length === 0) return [];
  return [create(RawParamsSchema, { dialect: "openai-chat", json: `{${members.join(",")}}` })];
}

// include_obfuscation pads chunks against eavesdroppers who measure them; this gateway never pads, so both values are fine.
const STREAM_OPTIONS = fieldNames("include_usage include_obfuscation");

function includesUsage(root: JsonObject, stream: boolean): boolean {
  const options = optionalObject(root, "stream_options", "");
  if (!options) return false;
  if (!stream) throw invalidField("stream_options", "it is only allowed when stream is true");
  checkMembers(options, STREAM_OPTIONS, "stream_options");
  optionalBoolean(options, "include_obfuscation", "stream_options");
  return optionalBoolean(options, "include_usage", "stream_options") ?? false;
}

// "in_memory" keeps a prefix for at most an hour: https://platform.openai.com/docs/guides/prompt-caching
const RETENTION_SECONDS = new Map([
  ["in_memory", 3600],
  ["24h", 86_400],
]);

function decodeCaching(root: JsonObject): Caching | undefined {
  const key = optionalString(root, "prompt_cache_key", "");
  const retention = optionalChoice(root, "prompt_cache_retention", "", RETENTION_SECONDS);
  // At the top, OpenRouter's mark asks for caching as far as the provider can.
  const mark = isSet(root["cache_control"]) ? cacheMark({ cache_control: root["cache_control"] }, "") : undefined;
  const optionsTtl = cacheOptionsTtl(root);
  if (key === undefined && retention === undefined && !mark && optionsTtl === undefined) return undefined;
  const ttlSeconds = optionsTtl ?? retention ?? mark?.ttlSeconds;
  return create(CachingSchema, {
    ...(key === undefined ? {} : { key }),
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  });
}

function cacheOptionsTtl(root: JsonObject): number | undefined {
  const path = "prompt_cache_options";
  const options = optionalObject(root, path, "");
  if (!options) return undefined;
  checkMembers(options, fieldNames("mode ttl"), path);
  const mode = optionalString(options, "mode", path) ?? "implicit";
  if (mode === "explicit") {
    throw new ParleyError(
      "UNSUPPORTED_PARAMETER",
      `Cannot honour ${path}.mode: caching at marks only cannot be asked for; leave it out`,
      {
        field: `${path}.mode`,
      },
    );
  }
  if (mode !== "implicit") throw notOneOf(`${path}.mode`, ["implicit", "explicit"]);
  return optionalDuration(options, "ttl", path);
}

function endUserOf(root: JsonObject): string | undefined {
  const current = optionalString(root, "safety_identifier", "");
  const deprecated = optionalString(root, "user", "");
  if (current !== undefined && deprecated !== undefined && current !== deprecated) {
    throw invalidField("user", "safety_identifier, its successor, has another value; send one of them");
  }
  return current ?? deprecated;
}
