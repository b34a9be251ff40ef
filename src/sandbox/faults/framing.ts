import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { type Answer, tokenCount } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { after, ANSWER, before, both, type ModelRow } from "../model-row.ts";
import { CLOSE, END, type Step, wait, write, writeWhole } from "../steps.ts";

// Oddities of framing: bytes that are unusual but legal, and lengths or encodings that lie.

function* crlf(exchange: Exchange): Generator<Step> {
  yield exchange.head();
  if (exchange.mode === "stream") yield* exchange.writePieces(exchange.pieces(), "\r\n");
  else {
    const pretty = JSON.stringify(JSON.parse(exchange.body()), null, 2);
    yield writeWhole(pretty.replaceAll("\n", "\r\n"), tokenCount(exchange.answer));
  }
  yield END;
}

// A chunk of HTTP, and a packet, for each byte: Node joins what is written within one turn, hence the pauses of no time.
function* tinyChunks(exchange: Exchange): Generator<Step> {
  for (const step of exchange.good()) {
    if (step.do === "head") yield exchange.head();
    else if (step.do !== "write") yield step;
    else {
      const bytes = Buffer.from(step.bytes);
      for (const [index, byte] of bytes.entries()) {
        yield write(Buffer.of(byte), index === bytes.length - 1 ? step.tokens : 0);
        yield wait(0);
      }
    }
  }
}

function* comments(exchange: Exchange): Generator<Step> {
  yield exchange.head();
  if (exchange.mode === "stream") {
    yield write(": SANDBOX PROCESSING\n\n");
    for (const step of exchange.writePieces(exchange.pieces())) {
      yield step;
      if (step.do === "write") yield write(": keep-alive\n\n\n:\nid: 7\nretry: 1000\n\n");
    }
  } else {
    yield write("\n\n");
    yield writeWhole(exchange.body(), tokenCount(exchange.answer));
    yield write("\n");
  }
  yield END;
}

function* byteOrderMark(exchange: Exchange): Generator<Step> {
  yield exchange.head();
  yield write("\uFEFF");
  for (const step of exchange.good()) if (step.do !== "head") yield step;
}

function* gzip(exchange: Exchange): Generator<Step> {
  const packed = gzipSync(bodyOf(exchange.good()));
  yield exchange.head(exchange.mode, { "content-encoding": "gzip", "content-length": String(packed.length) });
  yield write(packed, tokenCount(exchange.answer));
  yield END;
}

function* announcedTooShort(exchange: Exchange): Generator<Step> {
  const announced = bodyOf(exchange.untilFault());
  yield exchange.head(exchange.mode, { "content-length": String(announced.length) });
  let tokens = 0;
  for (const step of exchange.untilFault()) {
    if (step.do === "write") tokens += step.tokens;
    if (step.do !== "head") yield step;
  }
  yield write(bodyOf(exchange.good()).subarray(announced.length), tokenCount(exchange.answer) - tokens);
  yield END;
}

function* announcedTooLong(exchange: Exchange): Generator<Step> {
  yield exchange.head(exchange.mode, { "content-length": String(bodyOf(exchange.good()).length + 1_000) });
  for (const step of exchange.good()) if (step.do !== "head" && step.do !== "end") yield step;
  yield CLOSE;
}

function bodyOf(steps: Iterable<Step>): Buffer {
  return Buffer.concat([...steps].flatMap((step) => (step.do === "write" ? [Buffer.from(step.bytes)] : [])));
}

function* hugeEvent(exchange: Exchange): Generator<Step> {
  const earlier = exchange.answer.candidates[0]?.parts.flatMap((part) => part.tokens) ?? [];
  const tokens = [...earlier.slice(0, exchange.settings.after), "x".repeat(exchange.settings.bytes)];
  const huge: Answer = { ...exchange.answer, candidates: [{ parts: [{ kind: "text", tokens }], finish: "stop" }] };
  yield* exchange.good(huge);
}

function* endlessLine(exchange: Exchange): Generator<Step> {
  yield exchange.head();
  for (const step of exchange.untilFault()) if (step.do === "write") yield step;
  if (exchange.mode === "stream") yield write('data: {"');
  const block = "x".repeat(65_536);
  for (let sent = 0; sent < exchange.settings.bytes; sent += block.length) yield write(block);
  yield CLOSE;
}

/** Oddities of framing. */
export const FRAMING_FAULTS: readonly ModelRow[] = [
  {
    name: "fault-crlf",
    group: "fault",
    summary: "Ends its lines with CRLF.",
    unary: "A good answer, as indented JSON with CRLF.",
    stream: "A good answer, framed with CRLF.",
    expected: both(ANSWER),
    settings: {},
    play: crlf,
  },
  {
    name: "fault-tiny-chunks",
    group: "fault",
    summary: "Sends every byte in a chunk of its own.",
    unary: "A good answer, byte by byte.",
    stream: "The same.",
    expected: both(ANSWER),
    settings: {},
    play: tinyChunks,
  },
  {
    name: "fault-comments",
    group: "fault",
    summary: "Sends keep-alive comments, blank lines and fields that mean nothing.",
    unary: "A good answer between blank lines.",
    stream: "A good answer with comments, blank lines, id and retry fields between its events.",
    expected: both(ANSWER),
    settings: {},
    play: comments,
  },
  {
    name: "fault-bom",
    group: "fault",
    summary: "Begins its body with a byte order mark.",
    unary: "A good answer behind the mark.",
    stream: "The same.",
    expected: both(ANSWER),
    settings: {},
    play: byteOrderMark,
  },
  {
    name: "fault-gzip",
    group: "fault",
    summary: "Compresses the body although nobody asked for it.",
    unary: "A good answer, with content-encoding gzip.",
    stream: "The same, in one piece.",
    expected: both({ class: "answer_or_failure", reason: "PROVIDER_BAD_OUTPUT" }),
    settings: {},
    play: gzip,
  },
  {
    name: "fault-wrong-length",
    group: "fault",
    summary: "Announces fewer bytes than it sends, so that HTTP ends the body too early.",
    unary: "Two thirds of the JSON text as a complete body; the rest follows outside of it.",
    stream: "40 of 60 tokens as a complete body; the rest follows outside of it.",
    expected: { unary: before("PROVIDER_BAD_OUTPUT"), stream: after("STREAM_INTERRUPTED") },
    settings: { after: 40, at_byte: undefined },
    play: announcedTooShort,
  },
  {
    name: "fault-long-length",
    group: "fault",
    summary: "Announces more bytes than it sends, then closes.",
    unary: "The whole JSON text, then FIN where more was announced.",
    stream: "The whole answer with its terminator, then FIN where more was announced.",
    expected: {
      unary: { class: "answer_or_failure", reason: "PROVIDER_UNREACHABLE" },
      stream: { class: "answer_or_failure", reason: "STREAM_INTERRUPTED" },
    },
    settings: {},
    play: announcedTooLong,
  },
  {
    name: "fault-huge-event",
    group: "fault",
    summary: "Sends one token of 1.5 MiB.",
    unary: "A good answer of that size.",
    stream: "20 tokens, then an event of that size.",
    expected: { unary: ANSWER, stream: after("PROVIDER_BAD_OUTPUT") },
    settings: { after: 20, bytes: 1_572_864 },
    play: hugeEvent,
  },
  {
    name: "fault-endless-line",
    group: "fault",
    summary: "Sends a line that does not end (but for 256 MiB, when it closes).",
    unary: "A third of the JSON text, then x for ever.",
    stream: "20 tokens, then an event of x for ever.",
    expected: { unary: before("PROVIDER_BAD_OUTPUT"), stream: after("PROVIDER_BAD_OUTPUT") },
    settings: { after: 20, bytes: 268_435_456 },
    play: endlessLine,
  },
];
