import { gzipSync } from "node:zlib";
import type { Answer, Mutation } from "./answer.ts";
import type { Dice } from "./dice.ts";

// Mutations of the bytes of a body, and of what HTTP says about it.

function spliced(body: Buffer, at: number, removed: number, added: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([body.subarray(0, at), added, body.subarray(at + removed)]);
}

function withText(answer: Answer, change: (text: string) => string): Answer {
  return { ...answer, body: Buffer.from(change(answer.body.toString("utf8"))) };
}

const BAD_UTF8 = ["ff", "c0af", "eda080", "80", "f0908d", "e282", "fe", "f5808080"];

/** Mutations of bytes, by what they do. */
export const BYTE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "cut off": (answer, dice) => ({ ...answer, body: answer.body.subarray(0, dice.below(answer.body.length + 1)) }),
  "cut off near the end": (answer, dice) => {
    return { ...answer, body: answer.body.subarray(0, Math.max(0, answer.body.length - dice.below(40))) };
  },
  "bits flipped": (answer, dice) => {
    const body = Buffer.from(answer.body);
    for (let left = 1 + dice.below(4); left > 0 && body.length > 0; left--) {
      const at = dice.below(body.length);
      body[at] = (body[at] ?? 0) ^ (1 << dice.below(8));
    }
    return { ...answer, body };
  },
  "bytes that are not UTF-8": (answer, dice) => {
    const bad = Buffer.from(dice.pick(BAD_UTF8), "hex");
    return { ...answer, body: spliced(answer.body, dice.below(answer.body.length + 1), 0, bad) };
  },
  "bytes lost": (answer, dice) => {
    return { ...answer, body: spliced(answer.body, dice.below(answer.body.length + 1), 1 + dice.below(20)) };
  },
  "bytes repeated": (answer, dice) => {
    const at = dice.below(answer.body.length + 1);
    const again = answer.body.subarray(at, at + 1 + dice.below(200));
    return { ...answer, body: spliced(answer.body, at, 0, again) };
  },
  "lines ended otherwise": (answer, dice) => {
    const end = dice.pick(["\r\n", "\r", "\n\r", "\n\n", "\u2028"]);
    return withText(answer, (text) => text.replace(/\r\n|\r|\n/g, () => (dice.chance(0.8) ? end : "\n")));
  },
  "something before": (answer, dice) => {
    const first = dice.pick([
      "\ufeff",
      "\n\n",
      " ",
      "\0",
      ")]}'\n",
      "HTTP/1.1 200 OK\r\n\r\n",
      "<html>",
      ": hello\n\n",
    ]);
    return withText(answer, (text) => first + text);
  },
  "something after": (answer, dice) => {
    const last = dice.pick(["\n\n\n", "\0", "}", "data: [DONE]\n\n", "<!-- served by -->", "data: {", '{"a":1}']);
    return withText(answer, (text) => text + last);
  },
  "nothing at all": (answer) => ({ ...answer, body: Buffer.alloc(0) }),
};

const STATUSES =
  "200 201 202 204 205 206 301 304 400 401 402 403 404 408 409 413 418 422 429 499 500 501 502 503 504 520 529 599"
    .split(" ")
    .map(Number);
const TYPES = [
  "text/event-stream; charset=utf-16",
  ..."text/event-stream application/json text/html text/plain application/x-ndjson json TEXT/EVENT-STREAM".split(" "),
  ..."application/vnd.api+json application/octet-stream multipart/mixed".split(" "),
  "",
];
const ODD_HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "retry-after": "-1" },
  { "retry-after": "soon" },
  { "retry-after": "99999999999999999999" },
  { "retry-after": "Fri, 31 Dec 1999 23:59:59 GMT" },
  { "retry-after-ms": "NaN" },
  { "x-request-id": "x".repeat(5_000) },
  { "request-id": "\u00ff" },
  { "content-length": "7" },
];

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** Mutations of the exchange, by what they do. */
export const EXCHANGE_MUTATIONS: Readonly<Record<string, Mutation>> = {
  "another status": (answer, dice) => ({ ...answer, status: dice.pick(STATUSES) }),
  "another content type": (answer, dice) => withHeaders(answer, { "content-type": dice.pick(TYPES) }),
  "no content type": (answer) => {
    const headers = { ...answer.headers };
    delete headers["content-type"];
    return { ...answer, headers };
  },
  "said to be compressed": (answer, dice) =>
    withHeaders(answer, { "content-encoding": dice.pick(["gzip", "br", "deflate", "identity", "zstd", ""]) }),
  "compressed without a word": (answer) => ({ ...answer, body: gzipSync(answer.body) }),
  "an odd header": (answer, dice) => withHeaders(answer, dice.pick(ODD_HEADERS)),
  "in the other framing": (answer) => ({ ...answer, stream: !answer.stream }),
  "connection broken": (answer, dice) => broken(answer, dice),
  "connection silent": (answer, dice) => ({ ...broken(answer, dice), ending: "silence" }),
};

function broken(answer: Answer, dice: Dice): Answer {
  const kept = dice.chance(0.3) ? answer.body.length : dice.below(answer.body.length + 1);
  return { ...answer, body: answer.body.subarray(0, kept), ending: "break" };
}
