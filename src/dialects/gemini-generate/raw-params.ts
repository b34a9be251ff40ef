import { wordSet } from "../drift.ts";
import { RawJson } from "../json-text.ts";
import { jsonObjectTree, type JsonObjectTree, type JsonTree } from "../json-tree.ts";
import { modelledError, nativeObjects } from "../native-params.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";

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
  for (const { members, field } of nativeObjects(request, target, DIALECT_ID, jsonObjectTree)) {
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

function isNull(value: JsonTree): boolean {
  return value instanceof RawJson && value.text === "null";
}

function camelCase(name: string): string {
  return name.replace(/(?<=.)_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}
