import { Buffer } from "node:buffer";

/** One thing that an upstream does on the wire. A fault is a list of these. */
export type Step = Head | Write | Wait | { readonly do: "hang" | "reset" | "close" | "end" };

/** Status line and headers. Without a content-length the body is chunked. */
export interface Head {
  readonly do: "head";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Part of the body. */
export interface Write {
  readonly do: "write";
  readonly bytes: string | Buffer;
  /** How many of the answer's tokens this part holds. */
  readonly tokens: number;
  /** Whether this is the whole body of a unary answer. */
  readonly whole: boolean;
}

/** A pause. One of 0 ms is a turn of the event loop: what was written leaves before what follows. */
export interface Wait {
  readonly do: "wait";
  readonly ms: number;
}

/** Says nothing more until the client closes. */
export const HANG: Step = { do: "hang" };
/** Resets the connection (RST), after what was written has left. */
export const RESET: Step = { do: "reset" };
/** Closes the connection (FIN) without ending the body. */
export const CLOSE: Step = { do: "close" };
/** Ends the answer as HTTP does. */
export const END: Step = { do: "end" };

/** Status line and headers. */
export function head(status: number, headers: Readonly<Record<string, string>>): Head {
  return { do: "head", status, headers };
}

/** Part of the body. */
export function write(bytes: string | Buffer, tokens = 0): Write {
  return { do: "write", bytes, tokens, whole: false };
}

/** The whole body of a unary answer. */
export function writeWhole(bytes: string | Buffer, tokens: number): Write {
  return { do: "write", bytes, tokens, whole: true };
}

/** A pause in milliseconds. */
export function wait(ms: number): Wait {
  return { do: "wait", ms };
}

/** Where a fault strikes. */
export interface StrikePoint {
  /** After this many tokens; at most as many as there are. */
  readonly tokens: number;
  /** Instead: after this many bytes of the body. */
  readonly bytes: number | undefined;
  /** Tokens of the whole answer. */
  readonly totalTokens: number;
}

/**
 * The steps up to the point, the end left out. The whole body of a unary answer is cut at the same share of its bytes
 * and is never sent whole, unless bytes were asked for.
 */
export function* upTo(steps: Iterable<Step>, point: StrikePoint): Generator<Step> {
  const wantedTokens = Math.min(point.tokens, point.totalTokens);
  let sentTokens = 0;
  let sentBytes = 0;
  for (const step of steps) {
    if (step.do === "end") return;
    if (step.do !== "write") {
      yield step;
      continue;
    }
    const bytes = Buffer.from(step.bytes);
    const room = point.bytes === undefined ? roomFor(step, bytes, wantedTokens - sentTokens) : point.bytes - sentBytes;
    if (room < bytes.length) {
      if (room > 0) yield write(bytes.subarray(0, room), Math.floor((step.tokens * room) / bytes.length));
      return;
    }
    yield step;
    sentTokens += step.tokens;
    sentBytes += bytes.length;
    if (point.bytes === undefined && sentTokens > 0 && sentTokens >= wantedTokens) return;
  }
}

function roomFor(step: Write, bytes: Buffer, leftTokens: number): number {
  if (!step.whole) return step.tokens > leftTokens ? 0 : bytes.length;
  const share = step.tokens === 0 ? 0.5 : leftTokens / step.tokens;
  return Math.min(bytes.length - 1, Math.floor(bytes.length * share));
}
