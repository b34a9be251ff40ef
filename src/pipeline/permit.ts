import { create } from "@bufbuild/protobuf";
import {
  AdaptationSchema,
  Effort,
  ReasoningSchema,
  SamplingSchema,
  Support,
  type Adaptation,
  type ChatRequest,
} from "../contract/index.ts";
import { policyText } from "../policy/holder.ts";
import { checkRequest } from "../policy/permits/check-request.ts";
import { EVERYTHING, type PermitName, type Permits } from "../policy/permits/permits.ts";
import type { CandidateExclusion } from "../routing/candidate.ts";
import type { Target } from "../routing/target.ts";
import type { ChatCall } from "./call.ts";
import type { LiveConfig } from "./parts.ts";

/** Lets a request do what its caller's policies permit, or says which of them forbids what. Throws `PERMISSION_DENIED`. */
export function permit(
  { caller, request, stream }: Pick<ChatCall, "caller" | "request" | "stream">,
  inputTokens: () => number,
): void {
  if (caller.permits !== EVERYTHING) checkRequest(caller.permits, { request, stream, inputTokens });
}

/** What goes to a target of a request that leaves something open, and what its caller is told of it. */
export interface Permitted {
  readonly request: ChatRequest;
  readonly adaptations: readonly Adaptation[];
}

/** The request with what its caller left open settled as its policies demand: no reasoning, no longer answer. */
export function permitted(
  request: ChatRequest,
  target: Target,
  permits: Permits,
  inputTokens: () => number,
): Permitted {
  if (permits === EVERYTHING) return { request, adaptations: [] };
  const adaptations: Adaptation[] = [];
  let settled = request;
  if (!permits.reasoning && isOpen(request)) {
    settled = withoutReasoning(settled);
    const { reasoning } = target.facts.capabilities;
    // A model that surely does not reason is asked for nothing else than before.
    if (reasoning !== Support.REJECTED) adaptations.push(told(permits, "reasoning", "reasoning.enabled", false));
  }
  const { limit, by } = outputLimit(permits, inputTokens);
  const own = target.facts.maxOutputTokens ?? Infinity;
  if (request.sampling?.maxOutputTokens === undefined && limit < own) {
    settled = { ...settled, sampling: { ...(settled.sampling ?? create(SamplingSchema)), maxOutputTokens: limit } };
    adaptations.push(told(permits, by, "sampling.max_output_tokens", limit));
  }
  return { request: settled, adaptations };
}

function outputLimit(permits: Permits, inputTokens: () => number): { limit: number; by: PermitName } {
  const { maxOutputTokens: limit = Infinity, maxContextTokens: whole } = permits;
  const left = whole === undefined ? Infinity : whole - inputTokens();
  return left < limit ? { limit: left, by: "max_context_tokens" } : { limit, by: "max_output_tokens" };
}

function told(permits: Permits, permitName: PermitName, field: string, applied: unknown): Adaptation {
  const by = permits.decidedBy[permitName];
  const reason = `${by ? policyText(by) : "the key's policy"} demands it with permit.${permitName}`;
  return create(AdaptationSchema, { field, appliedJson: JSON.stringify(applied), reason });
}

/** Says which targets would reason although the caller's policies forbid it; undefined: nothing of that kind is forbidden. */
export function forbids(
  permits: Permits,
  adapters: LiveConfig["adapters"],
): ((request: ChatRequest, target: Target) => CandidateExclusion | undefined) | undefined {
  if (permits.reasoning) return undefined;
  const by = permits.decidedBy["reasoning"];
  return (request, target) => {
    const found = adapters.get(target.provider)?.unsupported(withoutReasoning(request), target) ?? [];
    const always = found.find(({ field }) => field.startsWith("reasoning."));
    if (!always) return undefined;
    const owner = by ? policyText(by) : "the key's policy";
    return { rule: "permit.reasoning", why: `${owner} forbids reasoning: ${always.reason}` };
  };
}

function isOpen({ reasoning }: ChatRequest): boolean {
  return reasoning?.enabled !== false && reasoning?.effort !== Effort.NONE;
}

function withoutReasoning(request: ChatRequest): ChatRequest {
  if (!isOpen(request)) return request;
  return { ...request, reasoning: { ...(request.reasoning ?? create(ReasoningSchema)), enabled: false } };
}
