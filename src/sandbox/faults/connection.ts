import { Buffer } from "node:buffer";
import type { Exchange } from "../exchange.ts";
import { after, ANSWER, before, both, type ModelRow } from "../model-row.ts";
import { CLOSE, END, HANG, RESET, type Step, wait, write } from "../steps.ts";

// Faults of the connection and of time: it breaks, falls silent or crawls.

const timeout = before("PROVIDER_TIMEOUT");
const cutOff = { unary: before("STREAM_INTERRUPTED"), stream: after("STREAM_INTERRUPTED") };
const stalled = { unary: timeout, stream: after("PROVIDER_TIMEOUT") };

function* untilFaultThen(exchange: Exchange, ...rest: readonly Step[]): Generator<Step> {
  yield* exchange.untilFault();
  yield* rest;
}

function* slowFirstToken(exchange: Exchange): Generator<Step> {
  let waited = false;
  for (const step of exchange.good()) {
    const due = exchange.mode === "unary" || (step.do === "write" && step.tokens > 0);
    if (due && !waited) {
      waited = true;
      yield wait(exchange.settings.wait_ms);
    }
    yield step;
  }
}

function* pingsForEver(exchange: Exchange): Generator<Step> {
  if (exchange.mode === "stream") yield* exchange.untilFault();
  else yield exchange.head();
  const ping = exchange.mode === "stream" ? exchange.ping : "\n";
  for (;;) {
    yield wait(Math.max(1, exchange.settings.wait_ms));
    yield write(ping);
  }
}

function* slowBody(exchange: Exchange): Generator<Step> {
  let sent = 0;
  for (const step of exchange.untilFault()) {
    if (step.do === "write") sent += Buffer.byteLength(step.bytes);
    yield step;
  }
  let seen = 0;
  for (const step of exchange.good()) {
    if (step.do !== "write") continue;
    const bytes = Buffer.from(step.bytes);
    for (const byte of bytes.subarray(Math.max(0, Math.min(bytes.length, sent - seen)))) {
      yield wait(exchange.settings.wait_ms);
      yield write(Buffer.of(byte));
    }
    seen += bytes.length;
  }
  yield END;
}

/** Faults of the connection and of time. */
export const CONNECTION_FAULTS: readonly ModelRow[] = [
  {
    name: "fault-reset",
    group: "fault",
    summary: "Resets the connection before any header.",
    unary: "TCP RST once the request was read.",
    stream: "The same.",
    expected: both(before("PROVIDER_UNREACHABLE")),
    settings: {},
    play: () => [RESET],
  },
  {
    name: "fault-silence",
    group: "fault",
    summary: "Accepts the request and never answers.",
    unary: "Nothing, until the client closes.",
    stream: "The same.",
    expected: both(timeout),
    settings: {},
    play: () => [HANG],
  },
  {
    name: "fault-headers-then-silence",
    group: "fault",
    summary: "Sends its headers and then nothing.",
    unary: "Status 200 and headers, no body, until the client closes.",
    stream: "The same.",
    expected: both(timeout),
    settings: {},
    play: (exchange) => [exchange.head(), HANG],
  },
  {
    name: "fault-slow-first-token",
    group: "fault",
    summary: "Answers well, but only after 20 seconds.",
    unary: "Nothing for wait_ms, then a good answer.",
    stream: "Headers and the opening event at once, nothing for wait_ms, then a good answer.",
    expected: { unary: ANSWER, stream: timeout },
    settings: { wait_ms: 20_000 },
    play: slowFirstToken,
  },
  {
    name: "fault-cut",
    group: "fault",
    summary: "Loses the connection (RST) in the middle of the answer.",
    unary: "The same share of the body as of the tokens, then RST.",
    stream: "40 of 60 tokens, then RST.",
    expected: cutOff,
    settings: { after: 40, at_byte: undefined },
    play: (exchange) => untilFaultThen(exchange, RESET),
  },
  {
    name: "fault-fin",
    group: "fault",
    summary: "Closes the connection (FIN) in the middle of the answer, without ending the HTTP body.",
    unary: "The same share of the body as of the tokens, then FIN.",
    stream: "40 of 60 tokens, then FIN.",
    expected: cutOff,
    settings: { after: 40, at_byte: undefined },
    play: (exchange) => untilFaultThen(exchange, CLOSE),
  },
  {
    name: "fault-stall",
    group: "fault",
    summary: "Falls silent in the middle of the answer.",
    unary: "The same share of the body as of the tokens, then nothing until the client closes.",
    stream: "20 of 60 tokens, then nothing until the client closes.",
    expected: stalled,
    settings: { after: 20, at_byte: undefined },
    play: (exchange) => untilFaultThen(exchange, HANG),
  },
  {
    name: "fault-stall-pings",
    group: "fault",
    summary: "Stops making progress, but shows signs of life.",
    unary: "Headers, then a blank line each second for ever.",
    stream: "20 of 60 tokens, then an SSE comment each second for ever.",
    expected: stalled,
    settings: { after: 20, wait_ms: 1_000 },
    play: pingsForEver,
  },
  {
    name: "fault-slow-body",
    group: "fault",
    summary: "Crawls: one byte a second, inside an event.",
    unary: "A third of the body, then one byte a second.",
    stream: "20 of 60 tokens, then one byte a second.",
    expected: stalled,
    settings: { after: 20, wait_ms: 1_000 },
    play: slowBody,
  },
];
