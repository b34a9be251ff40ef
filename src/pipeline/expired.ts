import { Support } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { SendOptions } from "./send.ts";
import type { Expiry } from "./watch.ts";

/** The error of a call that took too long, by what ran out. */
export function expired(
  expiry: Expiry,
  { deadlineIsCallers, progress }: Pick<SendOptions, "deadlineIsCallers" | "progress">,
): ParleyError {
  if (expiry === "deadline" && deadlineIsCallers) {
    return new ParleyError("DEADLINE_EXCEEDED", "Cannot complete the answer: the request's deadline has passed");
  }
  if (expiry === "deadline") {
    return new ParleyError(
      "PROVIDER_TIMEOUT",
      "Cannot complete the answer: it took longer than the gateway allows a request",
    );
  }
  return progress.firstContentMs === undefined
    ? new ParleyError("PROVIDER_TIMEOUT", "Cannot wait longer for the provider: its answer did not begin in time")
    : new ParleyError("PROVIDER_TIMEOUT", "Cannot complete the answer: the provider's stream has stalled");
}

/** How long a call may be without content. Whole answers come when they come: only the total bounds them. */
export function firstContentLimitMs({
  stream,
  limits,
  target,
}: Pick<SendOptions, "stream" | "limits" | "target">): number {
  if (!stream) return Infinity;
  const reasons = target.facts.capabilities.reasoning === Support.NATIVE;
  return reasons ? limits.reasoningFirstContentMs : limits.firstContentMs;
}
