// The rules of substitution, written down from the promises and not from the code: a case is a plain record of facts, and
// the answer is the set of all rules that it breaks. Imports nothing.

/** What another target may do about each error: anything, nothing, or only with a larger window. */
const ELSEWHERE = {
  INVALID_REQUEST: "no",
  UNSUPPORTED_PARAMETER: "no",
  UNSUPPORTED_CAPABILITY: "yes",
  CONTEXT_TOO_LONG: "larger",
  REQUEST_TOO_LARGE: "no",
  INVALID_MEDIA: "no",
  STATE_INVALID: "no",
  STATE_NOT_PORTABLE: "no",
  MODEL_NOT_FOUND: "yes",
  NOT_FOUND: "no",
  CANCELLED: "no",
  DEADLINE_EXCEEDED: "no",
  CONFLICT: "no",
  UNAUTHENTICATED: "no",
  PERMISSION_DENIED: "no",
  MODEL_NOT_ALLOWED: "no",
  RATE_LIMITED: "yes",
  BUDGET_EXCEEDED: "no",
  CONTENT_BLOCKED: "no",
  NO_ELIGIBLE_TARGET: "no",
  PROVIDER_CREDENTIAL: "yes",
  PROVIDER_ACCESS: "yes",
  PROVIDER_BILLING: "yes",
  PROVIDER_RATE_LIMITED: "yes",
  PROVIDER_QUOTA: "yes",
  PROVIDER_OVERLOADED: "yes",
  PROVIDER_ERROR: "yes",
  PROVIDER_TIMEOUT: "yes",
  PROVIDER_UNREACHABLE: "yes",
  PROVIDER_BAD_OUTPUT: "yes",
  PROVIDER_CONTENT_BLOCKED: "refusal",
  PROVIDER_REGION: "yes",
  MODEL_NOT_READY: "yes",
  MODEL_RETIRED: "yes",
  STREAM_INTERRUPTED: "yes",
  GATEWAY_OVERLOADED: "no",
  GATEWAY_INTERNAL: "no",
  TRANSLATION_DEFECT: "yes",
  MISCONFIGURED: "no",
  DRAINING: "no",
  NOT_IMPLEMENTED: "no",
  ATTEMPTS_EXHAUSTED: "no",
} as const;

const SUPPORTS = [undefined, "UNSPECIFIED", "NATIVE", "EMULATED", "IGNORED", "REJECTED"] as const;

/** Every fact that counts, and the values it may have; the first ones of a list are those of a quiet day. */
export const FACTS = {
  reason: Object.keys(ELSEWHERE) as (keyof typeof ELSEWHERE)[],
  onRefusal: ["answer", "next_target"],
  fromWindow: [undefined, 8_192, 32_768, 131_072],
  toWindow: [undefined, 8_192, 32_768, 131_072],
  delivery: ["AUTO", "HOLD", "COMMIT", "RESTARTABLE", "UNSPECIFIED"],
  delivered: [true, false],
  text: ["A plain text.", "with space \n", "", undefined],
  deliveredBytes: [13, 65_536, 65_537, 10_000_000],
  sawToolCall: [false, true],
  sawReasoning: [false, true],
  begun: [1, 0, 2],
  asked: [undefined, 1, 2],
  tools: ["none", "function", "custom", "web_search", "native"],
  toolMode: [undefined, "UNSPECIFIED", "AUTO", "NONE", "REQUIRED"],
  format: [undefined, "unset", "text", "jsonObject", "jsonSchema", "grammar"],
  modalities: ["", "TEXT", "TEXT IMAGE", "AUDIO"],
  logprobs: [undefined, false, true],
  topLogprobs: [undefined, 0, 3],
  reasoning: [
    undefined,
    "empty",
    "disabled",
    "none",
    "disabled but high",
    "enabled",
    "low",
    "budget",
    "enabled but none",
  ],
  lastRole: ["USER", "TOOL", "ASSISTANT", "ASSISTANT prefill"],
  prefill: ["NATIVE", "REJECTED", ...SUPPORTS],
  prefillQuirk: [undefined, "messages.name", "messages.prefill", "messages"],
  deterministic: [undefined, false, true],
  sameProvider: [false, true],
  sameModel: [false, true],
  servedModel: [undefined, "version-1"],
  temperature: [undefined, 0, 0.7],
  seed: [undefined, 0n, 7n],
  seedSupport: ["NATIVE", ...SUPPORTS],
  seedQuirk: [undefined, "sampling.temperature", "sampling.seed", "sampling"],
  allowFallbacks: [undefined, true, false],
  constraint: [
    "none",
    "provider allowed",
    "provider not allowed",
    "provider denied",
    "other provider denied",
    "in region",
    "out of region",
    "region unknown",
    "keeps nothing",
    "keeps",
    "keeping unknown",
    "trains",
    "training unknown",
    "cheap enough",
    "too dear",
    "price unknown",
    "capable",
    "capability emulated",
    "capability ignored",
    "capability unknown",
  ],
  bound: [
    "none",
    "file at the first",
    "file at the second",
    "file at a third",
    "file anywhere",
    "file in a result",
    "file of the second's answer",
    "sound of nobody's answer",
    "sound of a third's answer",
    "picture in a question",
    "foreign state",
    "foreign block in an answer",
    "nameless block in an answer",
    "first's block in a question",
    "second's block in a question",
    "nameless block in a question",
    "cached content",
    "cached content for the first",
    "other parameters",
    "tool with stores",
    "tool without stores",
  ],
} as const satisfies Record<string, readonly unknown[]>;

/** One case: a value of each fact. */
export type SubstitutionCase = { readonly [Name in keyof typeof FACTS]: (typeof FACTS)[Name][number] };

/** What must come of a case: how the target takes over, or the rules of which one must be named. */
export type Expected =
  | { readonly kind: "replace" | "continue" | "reset" }
  | { readonly kind: "verified_restart"; readonly servedModel: string | undefined }
  | { readonly kind: "deny"; readonly rules: readonly string[] };

const BROKEN_CONSTRAINTS: readonly string[] = [
  "provider not allowed",
  "provider denied",
  "out of region",
  "region unknown",
  "keeps",
  "keeping unknown",
  "trains",
  "training unknown",
  "too dear",
  "price unknown",
  "capability ignored",
  "capability unknown",
];

// What is bound to a provider: to which of the two targets it may go. What tells no owner is the first one's.
const BOUND_TO: Readonly<Record<string, "first" | "second" | "nobody">> = {
  "file at the first": "first",
  "file at the second": "second",
  "file at a third": "nobody",
  "file anywhere": "first",
  "file in a result": "first",
  "file of the second's answer": "second",
  "sound of nobody's answer": "first",
  "first's block in a question": "first",
  "second's block in a question": "second",
  "nameless block in a question": "first",
  "cached content": "first",
  "tool with stores": "first",
};

const NOT_TEXT: readonly ((one: SubstitutionCase) => boolean)[] = [
  (one) => one.text === undefined,
  (one) => one.begun !== 1 || one.asked === 2,
  (one) => one.sawToolCall || one.sawReasoning,
  (one) => (one.tools !== "none" || one.bound.startsWith("tool with")) && one.toolMode !== "NONE",
  (one) => one.format === "jsonObject" || one.format === "jsonSchema" || one.format === "grammar",
  (one) => one.modalities.includes("IMAGE") || one.modalities.includes("AUDIO"),
  (one) => one.logprobs === true || one.topLogprobs === 3,
  (one) => one.reasoning === "enabled" || one.reasoning === "low" || one.reasoning === "budget",
];

/** Decides a case by the book. */
export function expectedSubstitution(one: SubstitutionCase): Expected {
  const rules = [...barring(one), ...(one.delivered ? afterContent(one) : [])];
  if (rules.length > 0) return { kind: "deny", rules };
  if (!one.delivered) return { kind: "replace" };
  if (one.delivery === "RESTARTABLE") return { kind: "reset" };
  if (prefills(one)) return { kind: "continue" };
  return { kind: "verified_restart", servedModel: one.deterministic === true ? undefined : one.servedModel };
}

/** Rules that hold before content as after it. */
function barring(one: SubstitutionCase): string[] {
  const broken: string[] = [];
  const elsewhere = ELSEWHERE[one.reason];
  if (elsewhere === "no") broken.push("error");
  if (elsewhere === "refusal" && one.onRefusal === "answer") broken.push("refusal");
  const grows = (one.toWindow ?? 0) > (one.fromWindow ?? Infinity);
  if (elsewhere === "larger" && !grows) broken.push("window");
  if (one.allowFallbacks === false && !(one.sameProvider && one.sameModel)) broken.push("fallbacks");
  if (BROKEN_CONSTRAINTS.includes(one.constraint)) broken.push("constraints");
  const owner = BOUND_TO[one.bound];
  // Where both targets are one provider's, its own things may go to either.
  const mayGo = owner === undefined || owner === "second" || (owner === "first" && one.sameProvider);
  if (!mayGo) broken.push("provider_bound");
  return broken;
}

function afterContent(one: SubstitutionCase): string[] {
  if (one.delivery === "RESTARTABLE") return [];
  if (one.delivery === "COMMIT" || one.delivery === "UNSPECIFIED") return ["delivery"];
  const broken: string[] = [];
  if (NOT_TEXT.some((isSo) => isSo(one))) broken.push("not_plain_text");
  if (one.deliveredBytes > 64 * 1024) broken.push("too_long");
  if (prefills(one)) {
    if (one.lastRole.startsWith("ASSISTANT")) broken.push("not_plain_text");
  } else if (one.deterministic !== true && !repeats(one)) broken.push("not_reproducible");
  return broken;
}

function prefills(one: SubstitutionCase): boolean {
  const refused = one.prefillQuirk === "messages.prefill" || one.prefillQuirk === "messages";
  return one.prefill === "NATIVE" && !refused;
}

function repeats(one: SubstitutionCase): boolean {
  const seedCounts =
    one.seed !== undefined &&
    one.seedSupport !== "IGNORED" &&
    one.seedSupport !== "REJECTED" &&
    one.seedQuirk !== "sampling.seed" &&
    one.seedQuirk !== "sampling";
  return one.sameProvider && one.sameModel && one.servedModel !== undefined && one.temperature === 0 && seedCounts;
}
