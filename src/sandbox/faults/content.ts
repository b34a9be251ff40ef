import { Buffer } from "node:buffer";
import { tokenCount } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { ANSWER, after, before, both, type ModelRow } from "../model-row.ts";
import { END, head, type Step, write } from "../steps.ts";

// Faults of what is said: bodies of the wrong kind, errors behind a 200, broken events.

const badOutput = before("PROVIDER_BAD_OUTPUT");
const failed = before("PROVIDER_ERROR");

function* page(status: number): Generator<Step> {
  yield head(status, { "content-type": "text/html; charset=utf-8" });
  yield write(
    "<!doctype html>\n<html><head><title>Sandbox</title></head><body><h1>A proxy says hello</h1></body></html>\n",
  );
  yield END;
}

function* empty(exchange: Exchange): Generator<Step> {
  yield exchange.head(exchange.mode, exchange.mode === "unary" ? { "content-length": "0" } : {});
  yield END;
}

function* otherMode(exchange: Exchange): Generator<Step> {
  yield* exchange.good(exchange.answer, exchange.mode === "stream" ? "unary" : "stream");
}

function* errorEvent(exchange: Exchange, opening: Iterable<Step>): Generator<Step> {
  if (exchange.mode === "unary") {
    yield* exchange.failure("server_error", {}, 200);
    return;
  }
  let events = 0;
  for (const step of opening) {
    if (step.do === "write") events += 1;
    yield step;
  }
  yield write(exchange.failureEvent("server_error", events));
  yield END;
}

// Breaks the event that carries the token after `after`, or the middle of a whole body, and goes on as if nothing were.
function* breaking(exchange: Exchange, spoil: (bytes: Buffer) => Buffer): Generator<Step> {
  const point = Math.min(exchange.settings.after, Math.max(0, tokenCount(exchange.answer) - 1));
  let tokens = 0;
  yield exchange.head();
  for (const step of exchange.good()) {
    if (step.do === "head") continue;
    const struck = step.do === "write" && (step.whole || (step.tokens > 0 && tokens === point));
    yield struck ? write(spoil(Buffer.from(step.bytes)), step.tokens) : step;
    if (step.do === "write") tokens += step.tokens;
  }
}

function halve(bytes: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, bytes.length >> 1), Buffer.from("\n\n")]);
}

// C3 begins a character of two bytes, which 28 cannot end.
function spoilCharacter(bytes: Buffer): Buffer {
  const dot = bytes.indexOf("·");
  const at = dot < 0 ? bytes.length >> 1 : dot;
  return Buffer.concat([bytes.subarray(0, at), Buffer.of(0xc3, 0x28), bytes.subarray(at + 2)]);
}

/** Faults of what is said. */
export const CONTENT_FAULTS: readonly ModelRow[] = [
  {
    name: "fault-html",
    group: "fault",
    summary: "A proxy answers 200 with an HTML page.",
    unary: "The page.",
    stream: "The page.",
    expected: both(badOutput),
    settings: {},
    play: () => page(200),
  },
  {
    name: "fault-html-502",
    group: "fault",
    summary: "A proxy answers 502 with an HTML page.",
    unary: "The page.",
    stream: "The page.",
    expected: both(failed),
    settings: {},
    play: () => page(502),
  },
  {
    name: "fault-empty",
    group: "fault",
    summary: "Answers 200 with an empty body.",
    unary: "Headers of a good answer, no body.",
    stream: "The same.",
    expected: { unary: badOutput, stream: before("STREAM_INTERRUPTED") },
    settings: {},
    play: empty,
  },
  {
    name: "fault-204",
    group: "fault",
    summary: "Answers 204 No Content.",
    unary: "The status alone.",
    stream: "The same.",
    expected: both(badOutput),
    settings: {},
    play: () => [head(204, {}), END],
  },
  {
    name: "fault-json-for-stream",
    group: "fault",
    summary: "Answers in the mode that was not asked for.",
    unary: "A good stream of events, content type included.",
    stream: "A good unary answer, content type included.",
    expected: { unary: { class: "answer_or_failure" }, stream: ANSWER },
    settings: {},
    play: otherMode,
  },
  {
    name: "fault-error-event",
    group: "fault",
    summary: "Answers 200 and then says that it failed.",
    unary: "An error as the body of a 200.",
    stream: "An error as the first event of a 200, no terminator.",
    expected: both(failed),
    settings: {},
    play: (exchange) => errorEvent(exchange, [exchange.head()]),
  },
  {
    name: "fault-error-event-late",
    group: "fault",
    summary: "Says in the middle of the answer that it failed.",
    unary: "An error as the body of a 200.",
    stream: "20 of 60 tokens, then an error event, no terminator.",
    expected: { unary: failed, stream: after("PROVIDER_ERROR") },
    settings: { after: 20 },
    play: (exchange) => errorEvent(exchange, exchange.untilFault()),
  },
  {
    name: "fault-malformed-event",
    group: "fault",
    summary: "Sends JSON that is broken.",
    unary: "The first half of the JSON text, as a complete body.",
    stream: "20 tokens, half an event, then the remaining events and the terminator as if nothing were.",
    expected: { unary: badOutput, stream: after("PROVIDER_BAD_OUTPUT") },
    settings: { after: 20 },
    play: (exchange) => breaking(exchange, halve),
  },
  {
    name: "fault-bad-utf8",
    group: "fault",
    summary: "Sends bytes that are not UTF-8 inside a text.",
    unary: "A whole answer with one broken character.",
    stream: "The same, in the event after 20 tokens.",
    expected: { unary: badOutput, stream: after("PROVIDER_BAD_OUTPUT") },
    settings: { after: 20 },
    play: (exchange) => breaking(exchange, spoilCharacter),
  },
];
