import { Duplex } from "node:stream";
import { request as httpRequest, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HeadTooLarge, MalformedResponse, ResponseParser } from "./response-parser.ts";
import type { ResponseHead } from "./response-head.ts";

interface Outcome {
  readonly heads: readonly { status: number; headers: Record<string, string> }[];
  readonly body: string;
  readonly end: "whole" | "cut" | "refused";
  readonly excess: boolean;
}

/** What comes of one response whose bytes arrive like this, and then the connection ends. */
function outcomeOf(chunks: readonly Uint8Array[], maxHeadBytes = 2048): Outcome & { pieces: number; why: unknown } {
  const heads: { status: number; headers: Record<string, string> }[] = [];
  const pieces: string[] = [];
  const parts = {
    onHead: ({ status, headers }: ResponseHead) => heads.push({ status, headers: { ...headers } }),
    onBody: (bytes: Buffer) => pieces.push(bytes.toString("latin1")),
  };
  const parser = new ResponseParser(parts, maxHeadBytes);
  parser.restart();
  let why: unknown;
  try {
    for (const chunk of chunks) parser.push(Buffer.from(chunk));
  } catch (thrown) {
    why = thrown;
  }
  const end = why ? "refused" : parser.end() ? "whole" : "cut";
  return { heads, body: pieces.join(""), end, excess: parser.excess, pieces: pieces.length, why };
}

const comparable = ({ heads, body, end, excess }: Outcome): Outcome => ({ heads, body, end, excess });

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

const CHUNKED =
  "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
  'Transfer-Encoding: chunked\r\nx: 1\r\nX:  2 \r\n\r\n5\r\nhello\r\n1;a="b"\r\n \r\n00A\r\n0123456789\r\n0\r\nt: 1\r\nu:\r\n\r\n';
const SAMPLES = [
  CHUNKED,
  "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\nhello\r\n\r\nyou",
  "HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n",
  "HTTP/1.0 200 OK\r\nserver: old\r\n\r\nuntil the end",
  "HTTP/1.1 500\r\ncontent-length: 0\r\n\r\n",
];

const BYTES = ["\r", "\n", ":", ";", ",", " ", "0", "a", "5", "f", "F", "\t", "x"];

describe("the parser of responses", () => {
  test("gives heads, body and end, and tells the chunks of one read as one piece", () => {
    expect(outcomeOf([Buffer.from(CHUNKED)])).toMatchObject({
      heads: [
        { status: 200, headers: { "content-type": "text/event-stream", "transfer-encoding": "chunked", x: "1, 2" } },
      ],
      body: "hello 0123456789",
      end: "whole",
      excess: false,
      pieces: 1,
    });
  });

  test.each(SAMPLES)("gives the same for every single cut and byte by byte: %j", (sample) => {
    const bytes = Buffer.from(sample);
    const whole = comparable(outcomeOf([bytes]));
    expect(whole.end).toBe("whole");
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(comparable(outcomeOf([bytes.subarray(0, cut), bytes.subarray(cut)]))).toEqual(whole);
    }
    expect(comparable(outcomeOf([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(whole);
  });

  test.each(SAMPLES)("what ends early is cut and never whole, unless the connection's end is its end: %j", (sample) => {
    const bytes = Buffer.from(sample);
    const untilClose = sample.startsWith("HTTP/1.0");
    const bodyAt = bytes.indexOf("\r\n\r\n") + 4;
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(outcomeOf([bytes.subarray(0, cut)]).end).toBe(untilClose && cut >= bodyAt ? "whole" : "cut");
    }
  });

  test("whatever the bytes, cutting them makes no difference", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...BYTES, "\0", "\u00ff")), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.constantFrom(...SAMPLES), edits, fc.array(fc.nat(), { maxLength: 6 }), (sample, changes, cuts) => {
        const bytes = mutated(sample, changes);
        const whole = outcomeOf([bytes]);
        expect(whole.why === undefined || whole.why instanceof MalformedResponse).toBe(true);
        expect(comparable(outcomeOf(cutAt(bytes, cuts)))).toEqual(comparable(whole));
      }),
      { numRuns: 1500 },
    );
  });

  test("what it takes for whole, Node's own parser reads the same", async () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.constantFrom(...BYTES)), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SAMPLES), edits, async (sample, changes) => {
        const bytes = mutated(sample, changes);
        const { heads, body, end, excess } = outcomeOf([bytes]);
        fc.pre(end === "whole" && !excess);
        expect([{ status: heads[0]?.status, body }, ALSO_STRICTER]).toContainEqual(await readByNode(bytes));
      }),
      { numRuns: 400 },
    );
  });
});

const head = (more: string, body = ""): string => `HTTP/1.1 200 OK\r\n${more}\r\n\r\n${body}`;
const chunked = (body: string): string => head("transfer-encoding: chunked", body);

describe("refused is", () => {
  test.each([
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["a version of the future", "HTTP/2.0 200 OK\r\n\r\n"],
    ["no status", "HTTP/1.1 OK\r\n\r\n"],
    ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"],
    ["a length and chunks", head("content-length: 5\r\ntransfer-encoding: chunked", "0\r\n\r\n")],
    ["chunks and a length", head("transfer-encoding: chunked\r\ncontent-length: 5", "0\r\n\r\n")],
    ["two lengths", head("content-length: 1\r\ncontent-length: 2", "ab")],
    ["the same length twice", head("content-length: 1\r\ncontent-length: 1", "a")],
    ["two lengths in one header", head("content-length: 1, 1", "a")],
    ["a length below nothing", head("content-length: -1")],
    ["a length with a sign", head("content-length: +1", "a")],
    ["a length in hexadecimal", head("content-length: 0x1", "a")],
    ["an empty length", head("content-length:", "a")],
    ["a length of 2^66", head("content-length: 73786976294838206464")],
    ["a length that is wrong where there is no body", "HTTP/1.1 204 No\r\ncontent-length: x\r\n\r\n"],
    ["a transfer encoding that is none", head("transfer-encoding: xchunked", "0\r\n\r\n")],
    ["a tab before a length", head("content-length:\t1", "a")],
    ["a tab behind a transfer encoding", chunked("0\r\n\r\n").replace("chunked", "chunked\t")],
    ["chunks twice", head("transfer-encoding: chunked, chunked", "0\r\n\r\n")],
    ["chunks in two headers", head("transfer-encoding: chunked\r\ntransfer-encoding: chunked", "0\r\n\r\n")],
    ["a compression within the transfer", head("transfer-encoding: gzip, chunked", "0\r\n\r\n")],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n"],
    ["bare line feeds alone", "HTTP/1.1 200 OK\ncontent-length: 0\n\n"],
    ["a bare carriage return", head("x: a\rcontent-length: 5")],
    ["a folded header", head("x: a\r\n b")],
    ["a header without a colon", head("nonsense")],
    ["a header without a name", head(": 1")],
    ["a space before the colon", head("content-length : 1", "a")],
    ["a name beyond ASCII", head("cont\u00e9nt: 1")],
    ["a zero byte in a value", head("x: a\0b")],
    ["a chunk without a size", chunked("\r\nab\r\n0\r\n\r\n")],
    ["a chunk's size that is no number", chunked("g\r\nab\r\n0\r\n\r\n")],
    ["a chunk's size below nothing", chunked("-1\r\n0\r\n\r\n")],
    ["a chunk's size in C", chunked("0x2\r\nab\r\n0\r\n\r\n")],
    ["a space behind a chunk's size", chunked("2 \r\nab\r\n0\r\n\r\n")],
    ["a chunk of 2^52 bytes", chunked("10000000000000\r\nab")],
    ["a chunk longer than its size", chunked("2\r\nabc\r\n0\r\n\r\n")],
    ["a bare line feed behind a chunk's size", chunked("2\nab\r\n0\r\n\r\n")],
    ["a bare line feed behind a chunk", chunked("2\r\nab\n0\r\n\r\n")],
    ["a control character in a chunk's extension", chunked("2;a\0\r\nab\r\n0\r\n\r\n")],
    ["a line feed in a chunk's extension", chunked("2;a\n\r\nab\r\n0\r\n\r\n")],
    ["a folded trailer", chunked("0\r\n a: 1\r\n\r\n")],
    ["a trailer without a name", chunked("0\r\n: 1\r\n\r\n")],
    ["a trailer without a colon", chunked("0\r\na\r\n\r\n")],
    ["a control character in a trailer", chunked("0\r\na: \0\r\n\r\n")],
  ])("%s", (_what, text) => {
    const bytes = Buffer.from(text, "latin1");
    expect(outcomeOf([bytes]).end).toBe("refused");
    expect(outcomeOf([...bytes].map((byte) => Uint8Array.of(byte))).end).toBe("refused");
  });

  test("a head over the limit, at once or in pieces, and not one at the limit", () => {
    const ofBytes = (size: number): Buffer => Buffer.from(head(`x: ${"y".repeat(size - 20)}\r\ncontent-length: 0`));
    const atLimit = ofBytes(100);
    const limit = atLimit.length - 4;
    const bytewise = (bytes: Buffer): Uint8Array[] => [...bytes].map((byte) => Uint8Array.of(byte));
    expect(outcomeOf([atLimit], limit).end).toBe("whole");
    expect(outcomeOf(bytewise(atLimit), limit).end).toBe("whole");
    expect(outcomeOf([ofBytes(101)], limit).why).toBeInstanceOf(HeadTooLarge);
    expect(outcomeOf(bytewise(ofBytes(101)), limit).why).toBeInstanceOf(HeadTooLarge);
  });

  test("chunk extensions and trailers without end, counted together over all chunks", () => {
    const extended = `1;${"e".repeat(50)}\r\na\r\n`.repeat(50);
    expect(outcomeOf([Buffer.from(chunked(extended))]).end).toBe("refused");
    expect(outcomeOf([Buffer.from(chunked(`0\r\n${"t: 1\r\n".repeat(600)}\r\n`))]).end).toBe("refused");
  });

  test("what comes behind the end, which the next call must not take for its answer", () => {
    for (const sample of SAMPLES.filter((one) => !one.startsWith("HTTP/1.0"))) {
      expect(outcomeOf([Buffer.from(`${sample}HTTP/1.1 200 OK\r\n\r\n`)]).excess).toBe(true);
      expect(outcomeOf([Buffer.from(sample), Buffer.from("x")]).excess).toBe(true);
    }
  });

  test("a break, but only after what came before it in the same read", () => {
    expect(outcomeOf([Buffer.from(chunked("2\r\nab\r\n2\r\ncd\r\nnonsense"))])).toMatchObject({
      body: "abcd",
      end: "refused",
    });
  });
});

/** A sample with bytes replaced, inserted or removed. */
function mutated(sample: string, changes: readonly (readonly [number, number, string])[]): Buffer {
  let text = sample;
  for (const [place, kind, character] of changes) {
    const at = place % (text.length + 1);
    text = text.slice(0, at) + (kind === 0 ? "" : character) + text.slice(kind === 2 ? at : at + 1);
  }
  return Buffer.from(text, "latin1");
}

// Node reads chunk extensions, of which nothing depends and which nobody sends, by their grammar.
const ALSO_STRICTER = "a chunk extension";

/** The same bytes read by node:http's client. */
function readByNode(bytes: Buffer): Promise<{ status: number | undefined; body: string } | typeof ALSO_STRICTER> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      if (/chunk extension/.test(error.message)) resolve(ALSO_STRICTER);
      else reject(error);
    };
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const request = httpRequest({ createConnection: () => socket, host: "x" }, (response: IncomingMessage) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(parts).toString("latin1") }));
      response.on("error", onError);
    });
    request.on("error", onError);
    request.end();
    socket.push(bytes);
    socket.push(null);
  });
}
