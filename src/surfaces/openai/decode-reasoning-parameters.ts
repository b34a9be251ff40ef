import { create } from "@bufbuild/protobuf";
import { Effort, ReasoningSchema, ReasoningVisibility, type Reasoning } from "../../contract/index.ts";
import {
  checkMembers,
  fieldNames,
  invalidField,
  optionalBoolean,
  optionalChoice,
  optionalCount,
  optionalObject,
  type JsonObject,
} from "./fields.ts";

/** Fields of a request that say whether and how much to reason, in the words of OpenAI and of those who follow it. */
export const REASONING_FIELDS = [
  ...fieldNames("reasoning_effort reasoning include_reasoning thinking enable_thinking thinking_budget"),
];

const EFFORTS = new Map<string, Effort>([
  ["none", Effort.NONE],
  ["minimal", Effort.MINIMAL],
  ["low", Effort.LOW],
  ["medium", Effort.MEDIUM],
  ["high", Effort.HIGH],
  ["xhigh", Effort.XHIGH],
  ["max", Effort.MAX],
]);
const MEMBERS = fieldNames("effort max_tokens enabled exclude");
const THINKING_MEMBERS = fieldNames("type budget_tokens");
const SWITCH = new Map([
  ["enabled", true],
  ["disabled", false],
]);

/**
 * `reasoning_effort` as OpenAI has it, `reasoning` and `include_reasoning` as OpenRouter, `thinking` as DeepSeek and
 * others, `enable_thinking` and `thinking_budget` as Qwen. Undefined: nothing is said.
 */
export function decodeReasoningParameters(root: JsonObject): Reasoning | undefined {
  const given = optionalObject(root, "reasoning", "") ?? {};
  checkMembers(given, MEMBERS, "reasoning");
  const thinking = optionalObject(root, "thinking", "") ?? {};
  checkMembers(thinking, THINKING_MEMBERS, "thinking");
  const effort = agreed([
    ["reasoning_effort", optionalChoice(root, "reasoning_effort", "", EFFORTS)],
    ["reasoning.effort", optionalChoice(given, "effort", "reasoning", EFFORTS)],
  ]);
  const enabled = agreed([
    ["reasoning.enabled", optionalBoolean(given, "enabled", "reasoning")],
    ["thinking.type", optionalChoice(thinking, "type", "thinking", SWITCH)],
    ["enable_thinking", optionalBoolean(root, "enable_thinking", "")],
  ]);
  const budgetTokens = agreed([
    ["reasoning.max_tokens", optionalCount(given, "max_tokens", "reasoning")],
    ["thinking.budget_tokens", optionalCount(thinking, "budget_tokens", "thinking")],
    ["thinking_budget", optionalCount(root, "thinking_budget", "")],
  ]);
  const include = optionalBoolean(root, "include_reasoning", "");
  const exclude = optionalBoolean(given, "exclude", "reasoning") ?? include === false;
  if (!REASONING_FIELDS.some((name) => root[name] !== undefined && root[name] !== null)) return undefined;
  return create(ReasoningSchema, {
    effort: effort ?? Effort.UNSPECIFIED,
    ...(enabled === undefined ? {} : { enabled }),
    ...(budgetTokens === undefined ? {} : { budgetTokens }),
    ...(exclude ? { visibility: ReasoningVisibility.OMITTED } : {}),
  });
}

/** The value of whichever of the fields is set. Throws `INVALID_REQUEST` where two differ. */
function agreed<Value>(fields: readonly (readonly [field: string, value: Value | undefined])[]): Value | undefined {
  const [first, ...others] = fields.filter(([, value]) => value !== undefined);
  const other = others.find(([, value]) => value !== first?.[1]);
  if (first && other) throw invalidField(other[0], `${first[0]} has another value; send one of them`);
  return first?.[1];
}
