import type { RawParams } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { RawJson } from "../json-text.ts";
import { jsonObjectTree, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";
import { wordSet } from "../drift.ts";

// Members of the request that the contract models, whether or not this request sets them.
const MODELLED = wordSet(`model contents systemInstruction tools toolConfig.functionCallingConfig.mode
  toolConfig.functionCallingConfig.allowedFunctionNames toolConfig.includeServerSideToolInvocations serviceTier store
  continuationToken generationConfig.candidateCount generationConfig.stopSequences generationConfig.maxOutputTokens
  generationConfig.temperature generationConfig.topP generationConfig.topK generationConfig.seed
  generationConfig.presencePenalty generationConfig.frequencyPenalty generationConfig.responseMimeType
  generationConfig.responseSchema generationConfig.responseJsonSchema generationConfig._responseJsonSchema
  generationConfig.responseLogprobs generationConfig.logprobs generationConfig.responseModalities
  generationConfig.responseFormat generationConfig.speechConfig.voiceConfig
  generationConfig.thinkingConfig.includeThoughts generationConfig.thinkingConfig.thinkingBudget
  generationConfig.thinkingConfig.thinkingLevel`);

// Objects of which the contract models a part: their other members are merged one by one.
const SHARED = wordSet(`generationConfig generationConfig.speechConfig generationConfig.thinkingConfig toolConfig
  toolConfig.functionCallingConfig`);

/**
 * Merges the caller's own fields into the request: each replaces the member of that name, null removes it; within
 * objects that the contract fills as well, member by member. Throws `INVALID_REQUEST` where one is modelled by the
 * contract, which has its own field for it.
 */
export function mergeRawParams({ request, target }: EncodeContext, body: Body): void {
  for (const [index, params] of request.rawParams.entries()) {
    if (!isFor(params, target)) continue;
    const field = `raw_params[${index}].json`;
    const members = jsonObjectTree(params.json);
    if (!members) {
      throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: it is not the JSON text of an object`, { field });
    }
    mergeMembers(body, "", members, field);
  }
}

function mergeMembers(into: Body, parent: string, members: JsonObjectTree, field: string): void {
  for (const [given, value] of members) {
    // The service takes both ways of writing a name; both must not stand for two members.
    const name = camelCase(given);
    const path = parent + name;
    if (SHARED.has(path) && value instanceof Map) mergeObject(into, path, name, value, field);
    else if (SHARED.has(path) || MODELLED.has(path)) throw modelledError(path, field);
    else if (isNull(value)) into.delete(name);
    else into.set(name, value);
  }
}

function mergeObject(into: Body, path: string, name: string, members: JsonObjectTree, field: string): void {
  const before = into.get(name);
  const merged: Body = before instanceof Map ? (before as Body) : new Map(Object.entries(before ?? {}));
  mergeMembers(merged, `${path}.`, members, field);
  if (merged.size > 0) into.set(name, merged);
}

function modelledError(path: string, field: string): ParleyError {
  const message = `Cannot set "${path}" through ${field}: the contract has its own field for it, use that one`;
  return new ParleyError("INVALID_REQUEST", message, { field });
}

function isNull(value: JsonTree): boolean {
  return value instanceof RawJson && value.text === "null";
}

function isFor(params: RawParams, target: DialectTarget): boolean {
  if (params.provider !== undefined && params.provider !== target.provider) return false;
  return params.provider === undefined ? params.dialect === DIALECT_ID : (params.dialect ?? DIALECT_ID) === DIALECT_ID;
}

function camelCase(name: string): string {
  return name.replace(/(?<=.)_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
