import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SseFrames } from "./sse.ts";

function parse(chunks: readonly Uint8Array[], maxBytes = 1024): { data: string; name: string | undefined }[] {
  const frames: { data: string; name: string | undefined }[] = [];
  const parser = new SseFrames(maxBytes, (data, name) => frames.push({ data, name }));
  for (const chunk of chunks) parser.push(Buffer.from(chunk));
  parser.end();
  return frames;
}

const STREAM =
  'event: a\r\ndata: {"t":"é😀"}\r\n\r\n: comment\n\ndata:no space\ndata: second line\n\nid: 1\nretry: 5\ndata: [DONE]';
const EXPECTED = [
  { data: '{"t":"é😀"}', name: "a" },
  { data: "no space\nsecond line", name: undefined },
  { data: "[DONE]", name: undefined },
];

describe("SseFrames", () => {
  test("gives the same events for every single cut of the bytes", () => {
    const bytes = Buffer.from(STREAM);
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(EXPECTED);
    }
  });

  test("gives the same events byte by byte and for any cuts", () => {
    const bytes = Buffer.from(STREAM);
    expect(parse([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(EXPECTED);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        expect(parse(at.slice(1).map((end, index) => bytes.subarray(at[index], end)))).toEqual(EXPECTED);
      }),
    );
  });

  test("strips a byte order mark", () => {
    expect(parse([Buffer.from("\uFEFFdata: x\n\n")])).toEqual([{ data: "x", name: undefined }]);
  });

  test("refuses an event over the limit, in one line or in many", () => {
    expect(() => parse([Buffer.from(`data: ${"x".repeat(100)}\n\n`)], 64)).toThrow("larger than 64 bytes");
    expect(() => parse([Buffer.from("data: xxxxxxxxxxxxxxxx\n".repeat(10))], 64)).toThrow("larger than 64 bytes");
    expect(() => parse([Buffer.from("data: "), ...new Array(10).fill(Buffer.from("x".repeat(10)))], 64)).toThrow(
      "larger than 64 bytes",
    );
  });

  test("refuses bytes that are not UTF-8, also where a character is cut by the end", () => {
    expect(() => parse([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x0a, 0x0a])])).toThrow("not UTF-8");
    expect(() => parse([Buffer.from("data: é").subarray(0, 7)])).toThrow("not UTF-8");
  });
});
