import type { LedgerRecord } from "./records.ts";

/** Where a request is in its life. `received` and `admitted` are carried by its first `forwarded` record. */
export type RequestState = "received" | "admitted" | "completed" | "failed";

/** Where an attempt is in its life. */
export type AttemptState = "forwarded" | "partially_streamed" | "completed" | "failed";

/** What may follow a state of a request. Nothing follows a terminal: corrections are appended beside it. */
export const REQUEST_TRANSITIONS: Readonly<Record<RequestState, readonly RequestState[]>> = {
  received: ["admitted", "failed"],
  admitted: ["completed", "failed"],
  completed: [],
  failed: [],
};

/** What may follow a state of an attempt. */
export const ATTEMPT_TRANSITIONS: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  forwarded: ["partially_streamed", "completed", "failed"],
  partially_streamed: ["partially_streamed", "completed", "failed"],
  completed: [],
  failed: [],
};

/** A request as its records so far tell it. */
export interface RequestView {
  readonly state: RequestState;
  /** Attempts in the order in which they were forwarded. */
  readonly attempts: readonly { readonly attempt: number; readonly state: AttemptState }[];
}

/** What an unseen request looks like. */
export const UNSEEN: RequestView = { state: "received", attempts: [] };

/** Why a record may not follow what is known of its request, in a sentence; undefined when it may. */
export function illegality(request: RequestView, record: LedgerRecord): string | undefined {
  switch (record.kind) {
    case "forwarded":
      return forwardedIllegality(request, record.attempt);
    case "partially_streamed":
      return attemptIllegality(request, record.attempt, "partially_streamed");
    case "attempt_ended":
      return attemptIllegality(request, record.attempt, record.state);
    case "compensated": {
      // Of a request that is not open any more nothing is known here: it has ended long ago.
      const known = request.attempts.find((one) => one.attempt === record.attempt);
      const isOpen = known !== undefined && ATTEMPT_TRANSITIONS[known.state].length > 0;
      return isOpen ? `attempt ${record.attempt} is still ${known.state}` : undefined;
    }
    case "request_ended":
      return requestEndedIllegality(request, record.state);
  }
}

function forwardedIllegality(request: RequestView, attempt: number): string | undefined {
  if (request.state !== "admitted" && !REQUEST_TRANSITIONS[request.state].includes("admitted")) {
    return `the request is ${request.state} and cannot be forwarded`;
  }
  const last = request.attempts.at(-1)?.attempt ?? 0;
  return attempt > last ? undefined : `attempt ${attempt} does not come after attempt ${last}`;
}

function attemptIllegality(request: RequestView, attempt: number, next: AttemptState): string | undefined {
  const known = request.attempts.find((one) => one.attempt === attempt);
  if (!known) return `attempt ${attempt} was not forwarded`;
  if (ATTEMPT_TRANSITIONS[known.state].includes(next)) return undefined;
  return `attempt ${attempt} is ${known.state} and cannot become ${next}`;
}

function requestEndedIllegality(request: RequestView, state: "completed" | "failed"): string | undefined {
  if (!REQUEST_TRANSITIONS[request.state].includes(state)) {
    return `the request is ${request.state} and cannot become ${state}`;
  }
  const open = request.attempts.find((one) => ATTEMPT_TRANSITIONS[one.state].length > 0);
  if (open) return `attempt ${open.attempt} is still ${open.state}`;
  const answered = request.attempts.some((one) => one.state === "completed");
  return state === "completed" && !answered ? "no attempt completed" : undefined;
}
