import { create } from "@bufbuild/protobuf";
import {
  ConstraintsSchema,
  Delivery,
  OnDisconnect,
  OnRefusal,
  RankBy,
  RawParamsSchema,
  RoutingSchema,
  type Constraints,
  type RawParams,
  type Routing,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import {
  checkMembers,
  fieldNames,
  invalidField,
  isSet,
  mapOf,
  objectAt,
  optionalBoolean,
  optionalChoice,
  optionalCount,
  optionalObject,
  pathTo,
  stringList,
  stringMap,
  wrongType,
  type JsonObject,
} from "./fields.ts";
import type { JsonText } from "./json-text.ts";

/** What `models`, `provider` and `parley` say. */
export interface DecodedRouting {
  readonly routing: Routing | undefined;
  readonly delivery: Delivery;
  readonly onDisconnect: OnDisconnect;
  readonly onRefusal: OnRefusal;
  readonly tags: Record<string, string>;
  readonly rawParams: RawParams[];
  /** Whether the reply carries its trace; undefined: the request does not say. */
  readonly explain: boolean | undefined;
}

const PARLEY_FIELDS = fieldNames(
  "constraints delivery on_disconnect on_refusal tags raw_params max_attempts explain priority task",
);

const DELIVERIES = new Map<string, Delivery>([
  ["commit", Delivery.COMMIT],
  ["auto", Delivery.AUTO],
  ["hold", Delivery.HOLD],
]);

const ON_DISCONNECTS = new Map<string, OnDisconnect>([
  ["cancel", OnDisconnect.CANCEL],
  ["finish", OnDisconnect.FINISH],
]);

const ON_REFUSALS = new Map<string, OnRefusal>([
  ["answer", OnRefusal.ANSWER],
  ["next_target", OnRefusal.NEXT_TARGET],
]);

/** Decodes `models` (fallbacks, without the first where that is the model itself), `provider` and `parley`. */
export function decodeRouting(body: JsonText, fallbackModels: string[]): DecodedRouting {
  // Most requests come from clients that know nothing of routing.
  const { parley: extension, provider: preferred } = body.root;
  if (!isSet(extension) && !isSet(preferred) && fallbackModels.length === 0) return unrouted();
  return decodeExtensions(body, fallbackModels);
}

function unrouted(): DecodedRouting {
  return {
    routing: undefined,
    delivery: Delivery.UNSPECIFIED,
    onDisconnect: OnDisconnect.UNSPECIFIED,
    onRefusal: OnRefusal.UNSPECIFIED,
    tags: {},
    rawParams: [],
    explain: undefined,
  };
}

function decodeExtensions(body: JsonText, fallbackModels: string[]): DecodedRouting {
  const parley = optionalObject(body.root, "parley", "") ?? {};
  checkMembers(parley, PARLEY_FIELDS, "parley");
  for (const name of ["priority", "task"]) {
    if (isSet(parley[name])) throw unsupported(`parley.${name}`, "this version does not have it; leave it out");
  }
  if (parley["delivery"] === "restartable") {
    throw unsupported(
      "parley.delivery",
      "chat.completions has no way to say that a stream starts over; send commit, or use the contract",
    );
  }
  const provider = optionalObject(body.root, "provider", "") ?? {};
  const maxAttempts = optionalCount(parley, "max_attempts", "parley");
  const constraints = mergeConstraints(providerConstraints(provider), parleyConstraints(parley));
  const preferences = providerPreferences(provider);
  const isRouted =
    fallbackModels.length > 0 || maxAttempts !== undefined || constraints || Object.keys(preferences).length > 0;
  return {
    routing: isRouted
      ? create(RoutingSchema, {
          fallbackModels,
          ...preferences,
          ...(maxAttempts === undefined ? {} : { maxAttempts }),
          ...(constraints ? { constraints } : {}),
        })
      : undefined,
    delivery: optionalChoice(parley, "delivery", "parley", DELIVERIES) ?? Delivery.UNSPECIFIED,
    onDisconnect: optionalChoice(parley, "on_disconnect", "parley", ON_DISCONNECTS) ?? OnDisconnect.UNSPECIFIED,
    onRefusal: optionalChoice(parley, "on_refusal", "parley", ON_REFUSALS) ?? OnRefusal.UNSPECIFIED,
    tags: stringMap(parley, "tags", "parley"),
    rawParams: providerParams(body, parley),
    explain: optionalBoolean(parley, "explain", "parley"),
  };
}

function unsupported(field: string, what: string): ParleyError {
  return new ParleyError("UNSUPPORTED_PARAMETER", `Cannot honour ${field}: ${what}`, { field });
}

// As OpenRouter has it: https://openrouter.ai/docs/features/provider-routing
const PROVIDER_FIELDS = fieldNames(
  "order only ignore allow_fallbacks require_parameters data_collection zdr max_price sort",
);
const PROVIDER_FIELDS_ELSEWHERE = fieldNames(
  "quantizations enforce_distillable_text preferred_min_throughput preferred_max_latency",
);

const RANKINGS = new Map<string, RankBy>([
  ["price", RankBy.PRICE],
  ["throughput", RankBy.THROUGHPUT],
  ["latency", RankBy.LATENCY],
]);

interface Preferences {
  providerOrder?: string[];
  allowFallbacks?: boolean;
  rankBy?: RankBy;
}

function providerPreferences(provider: JsonObject): Preferences {
  for (const name of PROVIDER_FIELDS_ELSEWHERE) {
    if (isSet(provider[name])) throw unsupported(`provider.${name}`, "this gateway has no such facts of its targets");
  }
  checkMembers(provider, PROVIDER_FIELDS, "provider");
  const preferences: Preferences = {};
  const order = stringList(provider, "order", "provider");
  if (order.length > 0) preferences.providerOrder = order;
  const allowFallbacks = optionalBoolean(provider, "allow_fallbacks", "provider");
  if (allowFallbacks !== undefined) preferences.allowFallbacks = allowFallbacks;
  const rankBy = rankingOf(provider);
  if (rankBy !== undefined) preferences.rankBy = rankBy;
  return preferences;
}

// A word, or an object with the word in `by`.
function rankingOf(provider: JsonObject): RankBy | undefined {
  const sort = provider["sort"];
  if (typeof sort !== "object" || sort === null) return optionalChoice(provider, "sort", "provider", RANKINGS);
  const given = objectAt(sort, "provider.sort");
  checkMembers(given, new Set(["by"]), "provider.sort");
  return optionalChoice(given, "by", "provider.sort", RANKINGS);
}

type ConstraintValues = Partial<Omit<Constraints, "$typeName" | "$unknown">>;

function providerConstraints(provider: JsonObject): ConstraintValues {
  const constraints: ConstraintValues = {};
  const only = stringList(provider, "only", "provider");
  if (only.length > 0) constraints.allowProviders = only;
  const ignore = stringList(provider, "ignore", "provider");
  if (ignore.length > 0) constraints.denyProviders = ignore;
  if (optionalBoolean(provider, "zdr", "provider") === true) constraints.zeroRetention = true;
  if (optionalBoolean(provider, "require_parameters", "provider") === true) constraints.requireParameters = true;
  const collection = optionalChoice(
    provider,
    "data_collection",
    "provider",
    new Map([
      ["allow", false],
      ["deny", true],
    ]),
  );
  if (collection === true) constraints.noTraining = true;
  const price = optionalObject(provider, "max_price", "provider");
  if (price) Object.assign(constraints, priceLimits(price, "provider.max_price"));
  return constraints;
}

function priceLimits(price: JsonObject, path: string): ConstraintValues {
  for (const name of ["image", "audio", "request"]) {
    if (isSet(price[name]))
      throw unsupported(pathTo(path, name), "only the prices of prompt and completion tokens can be limited");
  }
  checkMembers(price, new Set(["prompt", "completion"]), path);
  const input = nanoUsd(price["prompt"], pathTo(path, "prompt"));
  const output = nanoUsd(price["completion"], pathTo(path, "completion"));
  return {
    ...(input === undefined ? {} : { maxInputNanoUsdPerMillionTokens: input }),
    ...(output === undefined ? {} : { maxOutputNanoUsdPerMillionTokens: output }),
  };
}

/** USD as a number or a decimal text, in nano-USD. */
function nanoUsd(value: unknown, path: string): bigint | undefined {
  if (!isSet(value)) return undefined;
  if (typeof value !== "number" && typeof value !== "string") throw wrongType(path, "a number of USD", value);
  const usd = typeof value === "string" && !/^\d{1,7}(\.\d{1,9})?$/.test(value) ? Number.NaN : Number(value);
  if (!(usd >= 0 && usd <= 1_000_000)) throw invalidField(path, "expected USD per million tokens, from 0 to 1000000");
  return BigInt(Math.round(usd * 1e9));
}

const CONSTRAINT_FIELDS = fieldNames(
  "allow_providers deny_providers regions zero_retention no_training required_capabilities require_parameters",
  "max_input_nano_usd_per_million_tokens max_output_nano_usd_per_million_tokens",
);

/** `parley.constraints`: the contract's constraints under the contract's names. */
function parleyConstraints(parley: JsonObject): ConstraintValues {
  const path = "parley.constraints";
  const given = optionalObject(parley, "constraints", "parley") ?? {};
  checkMembers(given, CONSTRAINT_FIELDS, path);
  const constraints: ConstraintValues = {};
  const lists = [
    ["allowProviders", "allow_providers"],
    ["denyProviders", "deny_providers"],
    ["regions", "regions"],
    ["requiredCapabilities", "required_capabilities"],
  ] as const;
  for (const [field, name] of lists) {
    const list = stringList(given, name, path);
    if (list.length > 0) constraints[field] = list;
  }
  const switches = [
    ["zeroRetention", "zero_retention"],
    ["noTraining", "no_training"],
    ["requireParameters", "require_parameters"],
  ] as const;
  for (const [field, name] of switches) {
    const value = optionalBoolean(given, name, path);
    if (value !== undefined) constraints[field] = value;
  }
  const prices = [
    ["maxInputNanoUsdPerMillionTokens", "max_input_nano_usd_per_million_tokens"],
    ["maxOutputNanoUsdPerMillionTokens", "max_output_nano_usd_per_million_tokens"],
  ] as const;
  for (const [field, name] of prices) {
    const value = optionalInteger(given[name], pathTo(path, name));
    if (value !== undefined) constraints[field] = value;
  }
  return constraints;
}

// As the JSON mapping of int64 has it: a number, or digits in a string.
function optionalInteger(value: unknown, path: string): bigint | undefined {
  if (!isSet(value)) return undefined;
  if (typeof value !== "number" && typeof value !== "string") throw wrongType(path, "an integer", value);
  const text = String(value);
  if (!/^\d{1,18}$/.test(text)) throw invalidField(path, "expected an integer from 0 to 10^18 - 1");
  return BigInt(text);
}

function mergeConstraints(ofProvider: ConstraintValues, ofParley: ConstraintValues): Constraints | undefined {
  for (const name of Object.keys(ofParley)) {
    if (name in ofProvider)
      throw invalidField("parley.constraints", "provider sets the same constraint; send it in one of them");
  }
  const merged = { ...ofProvider, ...ofParley };
  return Object.keys(merged).length > 0 ? create(ConstraintsSchema, merged) : undefined;
}

/** `parley.raw_params`: an object of fields per configured provider. */
function providerParams(body: JsonText, parley: JsonObject): RawParams[] {
  const path = "parley.raw_params";
  const fields = mapOf(parley, "raw_params", "parley", (value, provider) => objectAt(value, pathTo(path, provider)));
  return Object.keys(fields).map((provider) =>
    create(RawParamsSchema, { provider, json: body.source(pathTo(path, provider)) ?? "{}" }),
  );
}

/** The choice of `models`: the model to ask for, and those to fall back to. */
export function decodeModels(root: JsonObject): { model: string; fallbackModels: string[] } {
  const models = stringList(root, "models", "");
  const model = root["model"];
  if (isSet(model)) {
    if (typeof model !== "string") throw wrongType("model", "a string", model);
    return { model, fallbackModels: models[0] === model ? models.slice(1) : models };
  }
  const [first, ...others] = models;
  if (first === undefined) throw invalidField("model", "it is required; GET /v1/models lists what can be named");
  return { model: first, fallbackModels: others };
}
