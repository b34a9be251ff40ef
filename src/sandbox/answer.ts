import type { Ask } from "./ask.ts";

/** What an upstream is going to say, whatever the wire format. */
export interface Answer {
  readonly candidates: readonly Candidate[];
  /** Undefined: the upstream does not say. */
  readonly usage: Usage | undefined;
  /** Whether the parts of a candidate come interleaved instead of one after the other. */
  readonly interleaved: boolean;
}

/** One of `n` answers. */
export interface Candidate {
  readonly parts: readonly AnswerPart[];
  /** Undefined: the upstream ends without saying why. */
  readonly finish: Finish | undefined;
  /** The stop sequence that ended it. */
  readonly stoppedBy?: string;
}

/** Why an answer ended; any other word is sent as it is. */
export type Finish = "stop" | "length" | "tool_calls" | "content_filter" | (string & {});

/** A piece of an answer. Its tokens joined are its text, its arguments (JSON) or its free-text input. */
export type AnswerPart =
  | { readonly kind: "reasoning" | "text" | "refusal"; readonly tokens: readonly string[] }
  | {
      readonly kind: "tool_call";
      readonly id: string;
      readonly name: string;
      readonly freeText: boolean;
      readonly tokens: readonly string[];
    };

/** What is billed. `outputTokens` includes `reasoningTokens`. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
  /** Of the input: read from the vendor's cache, and written to it. */
  readonly cachedTokens: number;
  readonly cacheWrittenTokens: number;
}

/** One step of saying an answer. A wire format turns each into no, one or several events. */
export type AnswerStep =
  | { readonly type: "candidate_opened"; readonly candidate: number; readonly content: Candidate }
  | { readonly type: "part_opened"; readonly candidate: number; readonly part: number; readonly content: AnswerPart }
  | {
      readonly type: "token";
      readonly candidate: number;
      readonly part: number;
      readonly content: AnswerPart;
      readonly text: string;
    }
  | { readonly type: "part_closed"; readonly candidate: number; readonly part: number; readonly content: AnswerPart }
  | {
      readonly type: "candidate_closed";
      readonly candidate: number;
      readonly content: Candidate;
      readonly finish: Finish;
    }
  | { readonly type: "usage"; readonly usage: Usage }
  | { readonly type: "closed" };

/** The steps of an answer in the order in which a stream says them; candidates take turns. */
export function* answerSteps(answer: Answer): Generator<AnswerStep> {
  yield* takeTurns(answer.candidates.map((content, index) => candidateSteps(content, index, answer.interleaved)));
  if (answer.usage) yield { type: "usage", usage: answer.usage };
  yield { type: "closed" };
}

function* candidateSteps(content: Candidate, candidate: number, interleaved: boolean): Generator<AnswerStep> {
  yield { type: "candidate_opened", candidate, content };
  const parts = content.parts.map((part, index) => partSteps(part, candidate, index));
  if (interleaved) yield* takeTurns(parts);
  else for (const part of parts) yield* part;
  if (content.finish !== undefined) yield { type: "candidate_closed", candidate, content, finish: content.finish };
}

function* partSteps(content: AnswerPart, candidate: number, part: number): Generator<AnswerStep> {
  yield { type: "part_opened", candidate, part, content };
  for (const text of content.tokens) yield { type: "token", candidate, part, content, text };
  yield { type: "part_closed", candidate, part, content };
}

function* takeTurns<T>(iterators: readonly Generator<T>[]): Generator<T> {
  let running = iterators;
  while (running.length > 0) {
    const still: Generator<T>[] = [];
    for (const iterator of running) {
      const next = iterator.next();
      if (next.done) continue;
      yield next.value;
      still.push(iterator);
    }
    running = still;
  }
}

/** An answer of these parts for each asked candidate, cut at the asked stop sequences and output limit. */
export function answerOf(ask: Ask, parts: readonly AnswerPart[], finish: Finish = "stop", interleaved = false): Answer {
  const stopped = stopAt({ parts, finish }, ask.stop);
  const limited = ask.maxOutputTokens === undefined ? stopped : truncate(stopped, ask.maxOutputTokens, "length");
  const candidates = Array.from({ length: ask.candidates }, (_, index) => withOwnIds(limited, index));
  return withUsage({ candidates, usage: undefined, interleaved }, ask.inputTokens);
}

// Calls of different candidates never share an id.
function withOwnIds(candidate: Candidate, index: number): Candidate {
  if (index === 0) return candidate;
  const suffix = index.toString(16).padStart(2, "0");
  const own = (part: AnswerPart) => (part.kind === "tool_call" ? { ...part, id: part.id.slice(0, -2) + suffix } : part);
  return { ...candidate, parts: candidate.parts.map(own) };
}

/** The answer with the usage that it comes to. */
export function withUsage(answer: Answer, inputTokens: number): Answer {
  const parts = answer.candidates.flatMap((candidate) => candidate.parts);
  const outputTokens = sumTokens(parts);
  const reasoningTokens = sumTokens(parts.filter((part) => part.kind === "reasoning"));
  return { ...answer, usage: { inputTokens, outputTokens, reasoningTokens, cachedTokens: 0, cacheWrittenTokens: 0 } };
}

/** The answer whose input came that far from the vendor's cache, and went that far into it. */
export function withCache(answer: Answer, cachedTokens: number, cacheWrittenTokens: number): Answer {
  const { usage } = answer;
  if (!usage) return answer;
  const cached = Math.min(cachedTokens, usage.inputTokens);
  const written = Math.min(cacheWrittenTokens, usage.inputTokens - cached);
  return { ...answer, usage: { ...usage, cachedTokens: cached, cacheWrittenTokens: written } };
}

/** Tokens of all candidates together. */
export function tokenCount(answer: Answer): number {
  return sumTokens(answer.candidates.flatMap((candidate) => candidate.parts));
}

function sumTokens(parts: readonly AnswerPart[]): number {
  return parts.reduce((sum, part) => sum + part.tokens.length, 0);
}

/** The candidate's first `maxTokens` tokens, with this finish if any were left out. */
export function truncate(candidate: Candidate, maxTokens: number, finish: Finish | undefined): Candidate {
  if (sumTokens(candidate.parts) <= maxTokens) return candidate;
  let left = maxTokens;
  const parts: AnswerPart[] = [];
  for (const part of candidate.parts) {
    if (left === 0) break;
    const tokens = part.tokens.slice(0, left);
    left -= tokens.length;
    parts.push({ ...part, tokens });
  }
  return { parts, finish };
}

function stopAt(candidate: Candidate, stop: readonly string[]): Candidate {
  const parts: AnswerPart[] = [];
  for (const part of candidate.parts) {
    const text = part.tokens.join("");
    const found = part.kind === "text" ? stop.filter((word) => text.includes(word)) : [];
    const [stoppedBy] = found.toSorted((one, other) => text.indexOf(one) - text.indexOf(other));
    if (stoppedBy === undefined) {
      parts.push(part);
      continue;
    }
    parts.push({ ...part, tokens: dropCharacters(part.tokens, text.indexOf(stoppedBy)) });
    return { parts, finish: "stop", stoppedBy };
  }
  return candidate;
}

function dropCharacters(tokens: readonly string[], keptCharacters: number): string[] {
  const kept: string[] = [];
  let left = keptCharacters;
  for (const token of tokens) {
    if (left <= 0) break;
    kept.push(token.slice(0, left));
    left -= token.length;
  }
  return kept;
}
