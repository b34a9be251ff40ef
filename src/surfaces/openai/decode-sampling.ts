import type { Sampling } from "../../contract/index.ts";
import {
  fieldNames,
  invalidField,
  isSet,
  mapOf,
  optionalBoolean,
  optionalCount,
  optionalNumber,
  stringList,
  stringAt,
  wrongType,
  type JsonObject,
} from "./fields.ts";
import type { JsonText } from "./json-text.ts";

/** Fields of a request that say how tokens are chosen and when to stop. */
export const SAMPLING_FIELDS = [
  ...fieldNames(
    "temperature top_p top_k min_p frequency_penalty presence_penalty repetition_penalty seed random_seed",
    "stop n logit_bias max_tokens max_completion_tokens logprobs top_logprobs",
  ),
];

/** Decodes them. Undefined: none is set. */
export function decodeSampling(body: JsonText): Sampling | undefined {
  const { root } = body;
  if (!SAMPLING_FIELDS.some((name) => isSet(root[name]))) return undefined;
  const sampling: Sampling = { $typeName: "parley.v1.Sampling", stop: [], logitBias: {} };
  set(sampling, "temperature", optionalNumber(root, "temperature", ""));
  set(sampling, "topP", optionalNumber(root, "top_p", ""));
  set(sampling, "topK", optionalCount(root, "top_k", ""));
  set(sampling, "minP", optionalNumber(root, "min_p", ""));
  set(sampling, "frequencyPenalty", optionalNumber(root, "frequency_penalty", ""));
  set(sampling, "presencePenalty", optionalNumber(root, "presence_penalty", ""));
  set(sampling, "repetitionPenalty", optionalNumber(root, "repetition_penalty", ""));
  set(sampling, "seed", seedOf(body));
  set(sampling, "candidates", optionalCount(root, "n", ""));
  set(sampling, "maxOutputTokens", outputLimit(root));
  set(sampling, "logprobs", optionalBoolean(root, "logprobs", ""));
  set(sampling, "topLogprobs", optionalCount(root, "top_logprobs", ""));
  sampling.stop = stopsOf(root);
  sampling.logitBias = mapOf(root, "logit_bias", "", (value, key) => {
    if (typeof value !== "number") throw wrongType(`logit_bias.${key}`, "a number", value);
    return value;
  });
  return sampling;
}

function set<Name extends keyof Sampling>(sampling: Sampling, name: Name, value: Sampling[Name] | undefined): void {
  if (value !== undefined) sampling[name] = value;
}

const MAX_SEED = 2n ** 63n;

/** `seed`, or as Mistral calls it `random_seed`. */
function seedOf(body: JsonText): bigint | undefined {
  const seed = integerOf(body, "seed");
  const other = integerOf(body, "random_seed");
  if (seed !== undefined && other !== undefined && seed !== other) {
    throw invalidField("random_seed", "seed has another value; send one of them");
  }
  return seed ?? other;
}

// From the text: a seed may need more bits than a number has.
function integerOf(body: JsonText, name: string): bigint | undefined {
  const seed = optionalNumber(body.root, name, "");
  if (seed === undefined) return undefined;
  const text = body.source(name) ?? String(seed);
  const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value >= MAX_SEED || value < -MAX_SEED) {
    throw invalidField(name, "expected an integer from -2^63 to 2^63 - 1");
  }
  return value;
}

function outputLimit(root: JsonObject): number | undefined {
  const current = optionalCount(root, "max_completion_tokens", "");
  const deprecated = optionalCount(root, "max_tokens", "");
  if (current !== undefined && deprecated !== undefined && current !== deprecated) {
    throw invalidField("max_tokens", "max_completion_tokens, its successor, has another value; send one of them");
  }
  return current ?? deprecated;
}

function stopsOf(root: JsonObject): string[] {
  const stop = root["stop"];
  if (!isSet(stop)) return [];
  if (Array.isArray(stop)) return stringList(root, "stop", "");
  if (typeof stop !== "string") throw wrongType("stop", "a string or an array of strings", stop);
  return [stringAt(stop, "stop")];
}
