import type { Headroom } from "../routing/live.ts";

/** What is known of a call so far. */
export interface CallProgress {
  /** Whether the request has begun to leave. */
  sent: boolean;
  httpStatus: number | undefined;
  upstreamRequestId: string | undefined;
  /** Time to the response's headers, in milliseconds. */
  responseMs: number | undefined;
  /** Time to first content, in milliseconds. */
  firstContentMs: number | undefined;
  /** What the provider's own limits leave. */
  headroom: Headroom | undefined;
}

/** Of a call that has not begun. */
export function noProgress(): CallProgress {
  return {
    sent: false,
    httpStatus: undefined,
    upstreamRequestId: undefined,
    responseMs: undefined,
    firstContentMs: undefined,
    headroom: undefined,
  };
}
