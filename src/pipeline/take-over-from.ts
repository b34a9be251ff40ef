import type { Attempt, ChatRequest } from "../contract/index.ts";
import { SeamFilter, VerifiedPrefix, continuationRequest } from "../routing/seam.ts";
import type { NextAttempt } from "./decide.ts";
import type { Delivered } from "./delivered.ts";
import { TakeOver, type TextSeam } from "./take-over.ts";

/** The request of an attempt, and how its answer joins what the caller has; no take-over: it answers from the start. */
export function takeOverFrom(
  how: NextAttempt["how"],
  request: ChatRequest,
  delivered: Delivered,
  broken: Attempt | undefined,
): { readonly request: ChatRequest; readonly takeOver?: TakeOver } {
  if (how !== "continue" && how !== "verified_restart") return { request };
  const deliveredText = delivered.text ?? "";
  const join = (seam: TextSeam): TakeOver =>
    new TakeOver({ block: delivered.block, nextBlock: delivered.blocks, deliveredText, seam, broken });
  if (how === "verified_restart") return { request, takeOver: join(new VerifiedPrefix(deliveredText)) };
  const stop = request.sampling?.stop ?? [];
  return {
    request: continuationRequest(request, deliveredText, broken?.usage?.outputTokens ?? 0),
    takeOver: join(new SeamFilter(stop, deliveredText)),
  };
}
