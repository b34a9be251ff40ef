import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, type Constraints } from "../../contract/index.ts";
import {
  checkMembers,
  fieldNames,
  invalidField,
  isSet,
  optionalBoolean,
  optionalChoice,
  optionalCount,
  optionalObject,
  pathTo,
  stringList,
  unsupportedField,
  wrongType,
  type JsonObject,
} from "./fields.ts";

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
      throw unsupportedField(pathTo(path, name), "only the prices of prompt and completion tokens can be limited");
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
  "max_input_nano_usd_per_million_tokens max_output_nano_usd_per_million_tokens max_first_content_p95_ms",
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
  const maxFirstContentP95Ms = optionalCount(given, "max_first_content_p95_ms", path);
  if (maxFirstContentP95Ms !== undefined) constraints.maxFirstContentP95Ms = maxFirstContentP95Ms;
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

/** What `provider`, as OpenRouter has it, and `parley.constraints` demand of every target; undefined: nothing. */
export function decodeConstraints(provider: JsonObject, parley: JsonObject): Constraints | undefined {
  const ofProvider = providerConstraints(provider);
  const ofParley = parleyConstraints(parley);
  for (const name of Object.keys(ofParley)) {
    if (name in ofProvider)
      throw invalidField("parley.constraints", "provider sets the same constraint; send it in one of them");
  }
  const merged = { ...ofProvider, ...ofParley };
  return Object.keys(merged).length > 0 ? create(ConstraintsSchema, merged) : undefined;
}
