import { Effort, Modality, type ChatRequest, type Part } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { policyText } from "../holder.ts";
import { costTierOf, isDearer } from "./cost-tier.ts";
import { EVERYTHING, type PermitName, type Permits } from "./permits.ts";

/** A request as permissions look at it. */
export interface PermitQuestion {
  readonly request: ChatRequest;
  /** Whether the answer is asked for as a stream. */
  readonly stream: boolean;
  /** Upper bound of the input's tokens; asked only where a permission depends on it. */
  readonly inputTokens: () => number;
}

/** Throws `PERMISSION_DENIED` with field, value, fix and whose policy where the request does what its caller may not. */
export function checkRequest(permits: Permits, question: PermitQuestion): void {
  if (permits === EVERYTHING) return;
  const { request, stream } = question;
  const [contradiction] = permits.contradictions;
  if (contradiction !== undefined) {
    const fix = "an administrator has to change one of them";
    throw new ParleyError("PERMISSION_DENIED", `Cannot serve any request of this key: ${contradiction}; ${fix}`);
  }
  if (!permits.streaming && stream) {
    throw denied(permits, "streaming", "stream", "stream the answer", "ask for it whole");
  }
  if (!permits.tools && request.tools.length > 0) {
    throw denied(permits, "tools", "tools", `bring tools (${request.tools.length})`, "send none");
  }
  if (!permits.reasoning) checkReasoning(permits, request);
  if (!permits.vision || !permits.audio) checkInputs(permits, request);
  if (!permits.imageGeneration || !permits.audio) checkOutputs(permits, request);
  if (permits.rawParams !== true) checkRawParams(permits, permits.rawParams, request);
  if (permits.requiredTags.length > 0) checkTags(permits, request);
  if (permits.costTier !== undefined) checkTier(permits, permits.costTier, request);
  checkSizes(permits, question);
}

function checkReasoning(permits: Permits, { reasoning }: ChatRequest): void {
  if (!reasoning || reasoning.enabled === false) return;
  const field =
    reasoning.enabled === true
      ? "reasoning.enabled"
      : reasoning.effort > Effort.NONE
        ? "reasoning.effort"
        : (reasoning.budgetTokens ?? 0) > 0 && reasoning.effort !== Effort.NONE
          ? "reasoning.budget_tokens"
          : undefined;
  if (field !== undefined) throw denied(permits, "reasoning", field, "reason", "switch it off with enabled = false");
}

function checkInputs(permits: Permits, { messages, prediction }: ChatRequest): void {
  for (const [index, message] of messages.entries()) checkParts(permits, message.parts, `messages[${index}].parts`);
  if (prediction.length > 0) checkParts(permits, prediction, "prediction");
}

function checkParts(permits: Permits, parts: readonly Part[], path: string): void {
  for (let index = 0; index < parts.length; index++) {
    const { kind } = parts[index]!;
    if (kind.case === "toolResult" || kind.case === "searchResult") checkParts(permits, kind.value.content, path);
    if (kind.case !== "media") continue;
    const sound = kind.value.modality === Modality.AUDIO;
    if (sound ? permits.audio : permits.vision) continue;
    const field = `${path}[${index}]`;
    const what = MEDIA[kind.value.modality] ?? "media";
    throw denied(permits, sound ? "audio" : "vision", field, `send ${what}`, "send text only");
  }
}

const MEDIA: Readonly<Record<number, string>> = {
  [Modality.IMAGE]: "an image",
  [Modality.AUDIO]: "sound",
  [Modality.VIDEO]: "a video",
  [Modality.DOCUMENT]: "a document",
};

function checkOutputs(permits: Permits, { output, tools }: ChatRequest): void {
  const modalities = output?.modalities ?? [];
  const pictures = modalities.some((one) => one === Modality.IMAGE || one === Modality.VIDEO);
  if (!permits.imageGeneration) {
    if (pictures) throw denied(permits, "image_generation", "output.modalities", "ask for images", "ask for text");
    // A provider's own tool may make them as well; its type is the only thing that tells.
    const index = tools.findIndex(({ kind }) => kind.case === "native" && kind.value.type.includes("image_gen"));
    if (index >= 0) {
      throw denied(permits, "image_generation", `tools[${index}]`, "bring a tool that makes images", "leave it out");
    }
  }
  if (!permits.audio && (modalities.includes(Modality.AUDIO) || output?.audio)) {
    throw denied(permits, "audio", "output.modalities", "ask for sound", "ask for text");
  }
}

function checkRawParams(permits: Permits, allowed: false | ReadonlySet<string> | true, request: ChatRequest): void {
  for (const [index, { json }] of request.rawParams.entries()) {
    const field = `raw_params[${index}]`;
    if (typeof allowed === "boolean") {
      throw denied(permits, "raw_params", field, "pass a provider's own fields on", "leave them out");
    }
    // That it is the text of an object was checked before.
    const name = Object.keys(JSON.parse(json) as object).find((one) => !allowed.has(one));
    if (name === undefined) continue;
    const shown = JSON.stringify(name.slice(0, 64));
    const fix = allowed.size === 0 ? "none is allowed" : `it allows ${[...allowed].join(", ")}`;
    throw denied(permits, "raw_params", field, `pass the field ${shown} on`, `leave it out: ${fix}`);
  }
}

function checkTags(permits: Permits, { tags }: ChatRequest): void {
  const missing = permits.requiredTags.find((name) => !Object.hasOwn(tags, name) || tags[name] === "");
  if (missing === undefined) return;
  const by = permits.decidedBy[`required_tags.${missing}`];
  const text = `Cannot accept the request: tags has no ${missing}, which ${by ? policyText(by) : "the key's policy"} requires (permit.required_tags); send tags.${missing} with a value`;
  throw new ParleyError("PERMISSION_DENIED", text, { field: "tags" });
}

function checkTier(permits: Permits, dearest: NonNullable<Permits["costTier"]>, { serviceTier }: ChatRequest): void {
  if (serviceTier === undefined || !isDearer(costTierOf(serviceTier), dearest)) return;
  const what = `ask for the service tier ${JSON.stringify(serviceTier)}, which may cost more than ${dearest}`;
  throw denied(permits, "cost_tier", "service_tier", what, "leave service_tier out, or ask for a cheaper one");
}

function checkSizes(permits: Permits, { request, inputTokens }: PermitQuestion): void {
  const { maxInputTokens, maxOutputTokens, maxContextTokens } = permits;
  const output = request.sampling?.maxOutputTokens;
  if (maxOutputTokens !== undefined) {
    if (output !== undefined && output > maxOutputTokens)
      throw tooMany(permits, "max_output_tokens", "sampling.max_output_tokens", output, maxOutputTokens);
    const thinking = request.reasoning?.budgetTokens ?? 0;
    if (thinking > maxOutputTokens)
      throw tooMany(permits, "max_output_tokens", "reasoning.budget_tokens", thinking, maxOutputTokens);
  }
  if (maxInputTokens === undefined && maxContextTokens === undefined) return;
  const input = inputTokens();
  if (maxInputTokens !== undefined && input > maxInputTokens)
    throw tooMany(permits, "max_input_tokens", "messages", input, maxInputTokens);
  // An answer needs at least one token.
  const whole = input + (output ?? 1);
  if (maxContextTokens !== undefined && whole > maxContextTokens) {
    const field = output === undefined ? "messages" : "sampling.max_output_tokens";
    throw tooMany(permits, "max_context_tokens", field, whole, maxContextTokens);
  }
}

const SIZES = {
  max_input_tokens: "of input, as far as can be told before they are counted,",
  max_output_tokens: "of output",
  max_context_tokens: "of input and output together, as far as can be told before they are counted,",
} as const;

function tooMany(permits: Permits, permit: keyof typeof SIZES, field: string, value: number, limit: number) {
  const what = `${field} asks for ${value} tokens ${SIZES[permit]}`;
  const fix = permit === "max_input_tokens" ? "shorten the conversation" : `make it ${limit} or less`;
  const text = `Cannot accept the request: ${what} and ${whose(permits, permit)} allows ${limit} (permit.${permit}); ${fix}`;
  return new ParleyError("PERMISSION_DENIED", text, { field });
}

function denied(permits: Permits, permit: PermitName, field: string, what: string, fix: string): ParleyError {
  const text = `Cannot ${what}: ${field} is forbidden by ${whose(permits, permit)} (permit.${permit}); ${fix}`;
  return new ParleyError("PERMISSION_DENIED", text, { field });
}

function whose({ decidedBy }: Permits, permit: PermitName): string {
  const by = decidedBy[permit];
  return by ? policyText(by) : "the key's policy";
}
