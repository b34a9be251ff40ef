import type { Attempt, ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { SeamFilter, VerifiedPrefix, continuationRequest } from "../routing/seam.ts";
import type { Target } from "../routing/target.ts";
import type { NextAttempt } from "./decide.ts";
import type { Delivered } from "./delivered.ts";
import { TakeOver } from "./take-over.ts";

/** What an attempt takes over. */
export interface Predecessor {
  readonly request: ChatRequest;
  /** The target that takes over. */
  readonly target: Target;
  readonly delivered: Delivered;
  /** What was tried so far, whether or not it has delivered anything. */
  readonly attempts: readonly Attempt[];
}

/** What goes to the target, and how its answer joins what the caller has; no take-over: it answers from the start. */
export interface Joined {
  readonly request: ChatRequest;
  readonly takeOver: TakeOver | undefined;
  /** The attempt whose answer the caller has the beginning of. */
  readonly broken: Attempt | undefined;
}

/** How an attempt joins the answer that another one has begun. Throws `STREAM_INTERRUPTED` where nothing is left to say. */
export function takeOverFrom(how: NextAttempt["how"], predecessor: Predecessor): Joined {
  const { request, target, delivered, attempts } = predecessor;
  const delivering = attempts.filter(({ number }) => delivered.attempts.includes(number));
  const broken = delivering.at(-1);
  if (how.kind !== "continue" && how.kind !== "verified_restart") return { request, takeOver: undefined, broken };
  const deliveredText = delivered.text ?? "";
  const stop = request.sampling?.stop ?? [];
  const common = { block: delivered.block, nextBlock: delivered.blocks, deliveredText, stop, broken };
  if (how.kind === "verified_restart") {
    const seam = new VerifiedPrefix(deliveredText);
    return {
      request,
      takeOver: new TakeOver({ ...common, seam, repeats: true, servedModel: how.servedModel }),
      broken,
    };
  }
  const continuation = continuationRequest(request, deliveredText, tokensOf(delivering));
  if (!continuation) {
    throw new ParleyError("STREAM_INTERRUPTED", "Cannot continue the answer elsewhere: its output limit is used up");
  }
  const seam = new SeamFilter({
    delivered: deliveredText,
    continuation,
    stop,
    repeatsPrefill: target.facts.repeatsPrefill === true,
  });
  const takeOver = new TakeOver({ ...common, seam, repeats: false, servedModel: undefined });
  return { request: continuation.request, takeOver, broken };
}

/** Whether the attempts have used up the output limit: nobody may add anything to what was delivered. */
export function isLimitUsedUp({ request, delivered, attempts }: Omit<Predecessor, "target">): boolean {
  const limit = request.sampling?.maxOutputTokens;
  return limit !== undefined && tokensOf(attempts.filter(({ number }) => delivered.attempts.includes(number))) >= limit;
}

/** What the attempts have used of the request's output limit. */
function tokensOf(attempts: readonly Attempt[]): number {
  return attempts.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0);
}
