import { create } from "@bufbuild/protobuf";
import {
  Delivery,
  OnDisconnect,
  OnRefusal,
  Priority,
  RankBy,
  RawParamsSchema,
  RoutingSchema,
  type RawParams,
  type Routing,
} from "../../contract/index.ts";
import { decodeConstraints } from "./decode-constraints.ts";
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
  optionalString,
  pathTo,
  stringList,
  stringMap,
  unsupportedField,
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

const PRIORITIES = new Map<string, Priority>([
  ["interactive", Priority.INTERACTIVE],
  ["batch", Priority.BATCH],
]);

const ON_REFUSALS = new Map<string, OnRefusal>([
  ["answer", OnRefusal.ANSWER],
  ["next_target", OnRefusal.NEXT_TARGET],
]);

const ON_DISCONNECTS = new Map<string, OnDisconnect>([
  ["cancel", OnDisconnect.CANCEL],
  ["finish", OnDisconnect.FINISH],
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
  if (parley["delivery"] === "restartable") {
    throw unsupportedField(
      "parley.delivery",
      "chat.completions has no way to say that a stream starts over; send commit, or use the contract",
    );
  }
  const provider = optionalObject(body.root, "provider", "") ?? {};
  const constraints = decodeConstraints(provider, parley);
  const preferences = { ...providerPreferences(provider), ...parleyPreferences(parley) };
  const isRouted = fallbackModels.length > 0 || constraints || Object.keys(preferences).length > 0;
  return {
    routing: isRouted
      ? create(RoutingSchema, {
          fallbackModels,
          ...preferences,
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
  maxAttempts?: number;
  task?: string;
  priority?: Priority;
  providerOrder?: string[];
  allowFallbacks?: boolean;
  rankBy?: RankBy;
}

function providerPreferences(provider: JsonObject): Preferences {
  for (const name of PROVIDER_FIELDS_ELSEWHERE) {
    if (isSet(provider[name]))
      throw unsupportedField(`provider.${name}`, "this gateway has no such facts of its targets");
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

function parleyPreferences(parley: JsonObject): Preferences {
  const maxAttempts = optionalCount(parley, "max_attempts", "parley");
  const task = optionalString(parley, "task", "parley");
  const priority = optionalChoice(parley, "priority", "parley", PRIORITIES);
  return {
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(task === undefined ? {} : { task }),
    ...(priority === undefined ? {} : { priority }),
  };
}

// A word, or an object with the word in `by`.
function rankingOf(provider: JsonObject): RankBy | undefined {
  const sort = provider["sort"];
  if (typeof sort !== "object" || sort === null) return optionalChoice(provider, "sort", "provider", RANKINGS);
  const given = objectAt(sort, "provider.sort");
  checkMembers(given, new Set(["by"]), "provider.sort");
  return optionalChoice(given, "by", "provider.sort", RANKINGS);
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
