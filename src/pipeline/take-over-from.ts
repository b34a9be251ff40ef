import type { Attempt, ChatRequest } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { SeamFilter, VerifiedPrefix, continuationRequest } from "../routing/seam.ts";
import type { Target } from "../routing/target.ts";
import type { NextAttempt } from "./decide.ts";
import type { Delivered } from "./delivered.ts";
import { TakeOver, type TextSeam } from "./take-over.ts";

/** What an attempt takes over. */
export interface Predecessor {
  readonly request: ChatRequest;
  /** The target that takes over. */
  readonly target: Target;
  readonly delivered: Delivered;
  readonly broken: Attempt | undefined;
}

/** What goes to the target, and how its answer joins what the caller has; no take-over: it answers from the start. */
export interface Joined {
  readonly request: ChatRequest;
  readonly takeOver: TakeOver | undefined;
}

/** How an attempt joins the answer that another one has begun. Throws `STREAM_INTERRUPTED` where nothing is left to say. */
export function takeOverFrom(how: NextAttempt["how"], predecessor: Predecessor): Joined {
  const { request, target, delivered, broken } = predecessor;
  if (how.kind !== "continue" && how.kind !== "verified_restart") return { request, takeOver: undefined };
  const deliveredText = delivered.text ?? "";
  const stop = request.sampling?.stop ?? [];
  const common = { block: delivered.block, nextBlock: delivered.blocks, deliveredText, stop, broken };
  const join = (seam: TextSeam, servedModel: string | undefined): TakeOver =>
    new TakeOver({ ...common, seam, servedModel });
  if (how.kind === "verified_restart") {
    return { request, takeOver: join(new VerifiedPrefix(deliveredText), how.servedModel) };
  }
  const continuation = continuationRequest(request, deliveredText, broken?.usage?.outputTokens ?? 0);
  if (!continuation) {
    throw new ParleyError("STREAM_INTERRUPTED", "Cannot continue the answer elsewhere: its output limit is used up");
  }
  const seam = new SeamFilter({
    delivered: deliveredText,
    continuation,
    stop,
    repeatsPrefill: target.facts.repeatsPrefill === true,
  });
  return { request: continuation.request, takeOver: join(seam, undefined) };
}
