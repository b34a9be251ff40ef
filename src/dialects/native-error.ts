import { Fault } from "../contract/index.ts";
import { CATALOGUE, ParleyError, type ErrorDetails, type ReasonName } from "../errors/index.ts";
import type { DialectTarget } from "./dialect.ts";

// What the wire formats' errors share: reading values of any type, and the typed error made of what was read.

const MAX_WORD_CHARS = 128;

/** The members of an object of the wire. */
export type Members = Readonly<Record<string, unknown>>;

/** The body of an error as JSON; undefined where it is HTML, text or nothing, which stays out of every message. */
export function parseErrorBody(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** The members of an object; none where the value is something else. */
export function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {};
}

/** The value itself, or the first item where it is a list: errors of streams may come as a list of one. */
export function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : value;
}

/** A short text; empty where the value is none. */
export function wordOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_WORD_CHARS) : "";
}

/** The provider's sentence, and where it is no text a sentence that says so. */
export function sentenceOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : "the provider's message is not a text";
}

/** The HTTP status of an error inside a 200, which stands in a number or in a text of digits; undefined: nowhere. */
export function claimedStatus(...values: readonly unknown[]): number | undefined {
  for (const value of values) {
    // Of other types `Number` makes a number, too, or throws.
    if (typeof value !== "number" && typeof value !== "string") continue;
    const status = Number(value);
    if (Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  return undefined;
}

/** What a provider said in an error. */
export interface ToldError {
  readonly type: string;
  readonly code: string;
  readonly param: string;
  readonly message: string;
  /** What our sentence repeats of it, in order: words of known lists and numbers. Empty ones are left out. */
  readonly said: readonly (string | number | undefined)[];
  /** Stands at the end of our sentence. */
  readonly note?: string;
}

/** What came with an error. */
export interface ErrorEnvelope {
  readonly httpStatus?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryDelayMs?: number | undefined;
}

/**
 * The typed error for what a provider said; `fieldOf` finds the contract's field behind its `param`. The provider's own
 * sentence stays in `upstream`, where it is redacted: it may quote what was sent.
 */
export function providerError(
  reason: ReasonName,
  told: ToldError,
  fieldOf: (param: string) => string,
  target: DialectTarget,
  { httpStatus, requestId = "", retryDelayMs }: ErrorEnvelope,
): ParleyError {
  const { type, code, param, message, note = "" } = told;
  const field = CATALOGUE[reason].fault === Fault.CALLER ? fieldOf(param) : "";
  const said = told.said.filter((piece) => piece !== undefined && piece !== "").join(" ") || "with an error";
  const about = field === "" ? "" : ` about ${field}`;
  const details: ErrorDetails = {
    ...(field === "" ? {} : { field }),
    ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
    upstream: { ...(httpStatus === undefined ? {} : { httpStatus }), type, code, param, message, requestId },
  };
  const { provider, model } = target;
  const sentence = `Cannot complete the request at ${provider}/${model}: the provider answered ${said}${about}${note}`;
  return new ParleyError(reason, sentence, details);
}
