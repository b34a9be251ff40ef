import { ParleyError } from "../../errors/index.ts";
import { wordSet } from "../drift.ts";
import { objectMembers } from "../json-text.ts";
import { nativeParams, type NativeParam } from "../native-params.ts";
import { DIALECT_ID, type Body, type EncodeContext } from "./encode-context.ts";
import { addInclude } from "./encode-reasoning.ts";

// Members of the request that the contract models, whether or not this request sets them. A conversation kept at the
// provider, truncation, prompts by id and moderation are not: they may be set.
const MODELLED = wordSet(`model input instructions stream stream_options tools tool_choice parallel_tool_calls text
  max_output_tokens temperature top_p top_k min_p frequency_penalty presence_penalty repetition_penalty logit_bias seed
  stop n top_logprobs service_tier store metadata user safety_identifier prompt_cache_key prompt_cache_retention
  prompt_cache_options`);

/**
 * Merges the caller's own fields into the request: each replaces the member of that name, null removes it. What answers
 * are to include is added to what the gateway asks for, and the words of `reasoning` beside effort join those that the
 * contract has. Throws `INVALID_REQUEST` where one is modelled by the contract, which has its own field for it.
 */
export function mergeRawParams({ request, target }: EncodeContext, body: Body): void {
  for (const param of nativeParams(request, target, DIALECT_ID, MODELLED)) {
    const { name, value } = param;
    if (name === "background") refuseBackground(param);
    else if (name === "include") mergeInclude(param, body);
    else if (name === "reasoning") mergeReasoning(param, body);
    else if (value.text === "null") body.delete(name);
    else body.set(name, value);
  }
}

function refuseBackground({ value, field }: NativeParam): void {
  if (value.text !== "true") return;
  const message = `Cannot use ${field}: background is true, and such an answer is made after the connection has ended`;
  throw new ParleyError("INVALID_REQUEST", message, { field });
}

function mergeInclude({ value, field }: NativeParam, body: Body): void {
  const words: unknown = JSON.parse(value.text);
  if (words === null) return;
  if (!Array.isArray(words) || words.some((word) => typeof word !== "string")) {
    throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: include is not a list of words`, { field });
  }
  for (const word of words) addInclude(body, word as string);
}

function mergeReasoning({ value, field }: NativeParam, body: Body): void {
  const members = objectMembers(value.text);
  if (!members || members.has("effort")) {
    const why = members ? "reasoning.effort has a field of its own in the contract" : "reasoning is not an object";
    throw new ParleyError("INVALID_REQUEST", `Cannot use ${field}: ${why}`, { field });
  }
  if (members.size > 0) body.set("reasoning", { ...(body.get("reasoning") as object), ...Object.fromEntries(members) });
}
