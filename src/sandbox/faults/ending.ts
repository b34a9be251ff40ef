import { type Answer, type AnswerPart, truncate } from "../answer.ts";
import { callTools } from "../answers.ts";
import type { Exchange, Piece } from "../exchange.ts";
import { after, ANSWER, before, both, type ModelRow, type Question } from "../model-row.ts";
import { END, type Step, write } from "../steps.ts";
import { splitFragments } from "../tokens.ts";

// Faults of how an answer ends: what is missing, doubled or made up in its last events.

const truncated = { unary: before("PROVIDER_BAD_OUTPUT"), stream: after("STREAM_INTERRUPTED") };

function* ending(
  exchange: Exchange,
  answer: Answer,
  change: (pieces: Iterable<Piece>) => Iterable<Piece>,
): Generator<Step> {
  if (exchange.mode === "unary") {
    yield* exchange.good(answer);
    return;
  }
  yield exchange.head();
  yield* exchange.writePieces(change(exchange.pieces(answer)));
  yield END;
}

function* without(pieces: Iterable<Piece>, ...kinds: readonly Piece["of"][]): Generator<Piece> {
  for (const piece of pieces) if (!kinds.includes(piece.of)) yield piece;
}

function* twice(pieces: Iterable<Piece>, kind: Piece["of"]): Generator<Piece> {
  for (const piece of pieces) {
    yield piece;
    if (piece.of === kind) yield piece;
  }
}

function* tokenAfterEnd(pieces: Iterable<Piece>): Generator<Piece> {
  let last: Piece | undefined;
  for (const piece of pieces) {
    if (piece.tokens > 0) last = piece;
    yield piece;
  }
  if (last) yield last;
}

function* dataAfterDone(exchange: Exchange): Generator<Step> {
  if (exchange.mode === "stream") {
    yield* ending(exchange, exchange.answer, tokenAfterEnd);
    return;
  }
  yield exchange.head();
  for (const step of exchange.good()) if (step.do === "write") yield step;
  yield write("\n{}");
  yield END;
}

function unfinished({ answer, settings }: Exchange): Answer {
  const cut = answer.candidates.map((candidate) => truncate(candidate, settings.after, undefined));
  return { ...answer, candidates: cut.map((candidate) => ({ ...candidate, finish: undefined })) };
}

function finishingWith(answer: Answer, finish: string): Answer {
  return { ...answer, candidates: answer.candidates.map((candidate) => ({ ...candidate, finish })) };
}

const SPARE_TOOL = { name: "look_up", schema: { type: "object", required: ["text"] }, freeText: false };

function brokenCall(question: Question): Answer {
  const { ask } = question;
  const tools = ask.tools.length > 0 ? ask.tools : [SPARE_TOOL];
  const answer = callTools({ ...question, ask: { ...ask, tools, toolResults: [], toolChoice: "auto" } });
  const candidates = answer.candidates.map((candidate) => ({ ...candidate, parts: candidate.parts.map(halve) }));
  return { ...answer, candidates };
}

function halve(part: AnswerPart): AnswerPart {
  const text = part.tokens.join("");
  return { ...part, tokens: splitFragments(text.slice(0, text.length >> 1)) };
}

/** Faults of how an answer ends. */
export const ENDING_FAULTS: readonly ModelRow[] = [
  {
    name: "fault-no-terminator",
    group: "fault",
    summary: "Says all it has to say, finish reason included, but leaves the stream's terminator out.",
    unary: "A good answer.",
    stream: "A good answer whose body ends cleanly without the terminator.",
    expected: both(ANSWER),
    // Its terminator is where the reason stands.
    unlike: { "openai-responses": { stream: after("STREAM_INTERRUPTED") } },
    settings: {},
    play: (exchange) => ending(exchange, exchange.answer, (pieces) => without(pieces, "closed")),
  },
  {
    name: "fault-no-finish",
    group: "fault",
    summary: "Ends cleanly in the middle of the answer: a truncated one that looks whole.",
    unary: "40 of 60 tokens, finish reason null.",
    stream: "40 of 60 tokens, then the body ends: no finish reason, no usage, no terminator.",
    expected: truncated,
    settings: { after: 40 },
    play: (exchange) => ending(exchange, unfinished(exchange), (pieces) => without(pieces, "usage", "closed")),
  },
  {
    name: "fault-done-without-finish",
    group: "fault",
    summary: "Ends with the terminator in the middle of the answer, without a finish reason.",
    unary: "40 of 60 tokens, finish reason null.",
    stream: "40 of 60 tokens, usage, then the terminator: no finish reason.",
    expected: truncated,
    settings: { after: 40 },
    play: (exchange) => ending(exchange, unfinished(exchange), (pieces) => pieces),
  },
  {
    name: "fault-duplicate-done",
    group: "fault",
    summary: "Sends the terminator twice.",
    unary: "A good answer.",
    stream: "A good answer, then a second terminator.",
    expected: both(ANSWER),
    settings: {},
    play: (exchange) => ending(exchange, exchange.answer, (pieces) => twice(pieces, "closed")),
  },
  {
    name: "fault-data-after-done",
    group: "fault",
    summary: "Goes on after its end.",
    unary: "A good answer, then another JSON object in the same body.",
    stream: "A good answer, then its last token again, behind the terminator.",
    expected: { unary: before("PROVIDER_BAD_OUTPUT"), stream: ANSWER },
    settings: {},
    play: dataAfterDone,
  },
  {
    name: "fault-usage-missing",
    group: "fault",
    summary: "Does not say what it used.",
    unary: "A good answer without usage.",
    stream: "The same, although usage was asked for.",
    expected: both(ANSWER),
    settings: {},
    play: (exchange) => exchange.good({ ...exchange.answer, usage: undefined }),
  },
  {
    name: "fault-usage-twice",
    group: "fault",
    summary: "Says twice what it used.",
    unary: "A good answer, usage once: a unary body has one place for it.",
    stream: "A good answer, the usage event twice.",
    expected: both(ANSWER),
    settings: {},
    play: (exchange) => ending(exchange, exchange.answer, (pieces) => twice(pieces, "usage")),
  },
  {
    name: "fault-unknown-finish",
    group: "fault",
    summary: "Ends for a reason that nobody has heard of.",
    unary: "The whole story, finish reason sandbox_reason.",
    stream: "The same.",
    expected: both({ class: "answer_or_failure", reason: "PROVIDER_BAD_OUTPUT" }),
    settings: {},
    play: (exchange) => exchange.good(finishingWith(exchange.answer, "sandbox_reason")),
  },
  {
    name: "fault-tool-cut",
    group: "fault",
    summary: "Ends a tool call in the middle of its arguments and claims that it is complete.",
    unary: "Half of the arguments, finish reason tool_calls.",
    stream: "The same, in fragments, with usage and terminator.",
    expected: { unary: before("PROVIDER_BAD_OUTPUT"), stream: after("PROVIDER_BAD_OUTPUT") },
    settings: {},
    answer: brokenCall,
    play: (exchange) => exchange.good(),
  },
];
