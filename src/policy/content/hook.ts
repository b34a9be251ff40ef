import type { ContentRule } from "./content-policy.ts";
import { DEFAULT_REPLACEMENT } from "./text-filter.ts";

/** How a rule's hook is asked, as configured. */
export interface HookSettings {
  readonly url: string;
  readonly timeoutMs: number;
  /** What happens where it cannot be asked. */
  readonly onError: "block" | "allow";
  /** Sent as a bearer token. */
  readonly secret?: { reveal(): string } | undefined;
  /** Characters of a stream after which it is asked. */
  readonly chunkChars: number;
}

/** A rule that is asked over HTTP. */
export interface ContentHook extends HookSettings {
  readonly rule: string;
  readonly replacement: string;
}

/** What a hook is asked. */
export interface HookQuestion {
  readonly requestId: string;
  readonly direction: "input" | "output";
  readonly key: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly texts: readonly HookText[];
}

/** One text of a question. */
export interface HookText {
  /** Path of its field. */
  readonly field: string;
  readonly text: string;
}

/** What a hook decides. */
export type HookVerdict =
  | { readonly decision: "allow" | "block" }
  /** Stretches of the texts in UTF-16 units, in order and apart. */
  | { readonly decision: "mask"; readonly spans: readonly HookSpan[] };

/** A stretch of one text, `end` exclusive. */
export interface HookSpan {
  /** Which text, from 0. */
  readonly text: number;
  readonly start: number;
  readonly end: number;
}

/** A rule's hook; none where the rule has none. */
export function compileHook({ name, replacement, hook }: ContentRule): ContentHook[] {
  return hook ? [{ ...hook, rule: name, replacement: replacement ?? DEFAULT_REPLACEMENT }] : [];
}

/** The question as a hook gets it. */
export function hookBody({ requestId, direction, key, tags, texts }: HookQuestion): string {
  return JSON.stringify({ request_id: requestId, direction, key, tags, texts });
}

const MAX_SPANS = 1000;

/** A hook's answer; undefined where it is none. Offsets come in code points. */
export function readVerdict(body: string, texts: readonly HookText[]): HookVerdict | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const { decision, spans } = answer as { decision?: unknown; spans?: unknown };
  if (decision === "allow" || decision === "block") return { decision };
  if (decision !== "mask" || !Array.isArray(spans) || spans.length > MAX_SPANS) return undefined;
  const read = spans.map((span) => readSpan(span, texts));
  if (!read.every((span) => span !== undefined)) return undefined;
  return { decision, spans: merged(read) };
}

function readSpan(span: unknown, texts: readonly HookText[]): HookSpan | undefined {
  if (typeof span !== "object" || span === null) return undefined;
  const { text = 0, start, end } = span as Readonly<Record<string, unknown>>;
  if (!isIndex(text) || !isIndex(start) || !isIndex(end) || start > end) return undefined;
  const whole = texts[text]?.text;
  return whole === undefined ? undefined : { text, start: unitsOf(whole, start), end: unitsOf(whole, end) };
}

function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** UTF-16 units of the first `count` characters. */
function unitsOf(text: string, count: number): number {
  // Most texts have no character of two units.
  if (!/[\uD800-\uDBFF]/.test(text)) return Math.min(count, text.length);
  let units = 0;
  for (let left = count; left > 0 && units < text.length; left--) units += text.codePointAt(units)! > 0xff_ff ? 2 : 1;
  return units;
}

function merged(spans: readonly HookSpan[]): HookSpan[] {
  const out: HookSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.text - b.text || a.start - b.start)) {
    const last = out.at(-1);
    if (span.start === span.end) continue;
    if (!last || last.text !== span.text || last.end < span.start) out.push(span);
    else out[out.length - 1] = { ...last, end: Math.max(last.end, span.end) };
  }
  return out;
}

/** A text of a question with its masked stretches replaced. */
export function maskSpans(text: string, index: number, spans: readonly HookSpan[], replacement: string): string {
  let out = "";
  let at = 0;
  for (const span of spans) {
    if (span.text !== index) continue;
    out += text.slice(at, span.start) + replacement;
    at = span.end;
  }
  return out + text.slice(at);
}
