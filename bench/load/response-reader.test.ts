import { describe, expect, test } from "vitest";
import { ResponseReader } from "./response-reader.ts";

const withLength = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello");
const empty = Buffer.from("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n");
const chunked = Buffer.from(
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1A\r\n${"z".repeat(26)}\r\n0\r\ntrailer: 1\r\n\r\n`,
);

function readPieces(reader: ResponseReader, bytes: Buffer, size: number): { bodyBytes: number; doneAt: number } {
  let bodyBytes = 0;
  for (let at = 0; at < bytes.length; at += size) {
    bodyBytes += reader.push(bytes.subarray(at, at + size));
    if (reader.done) return { bodyBytes, doneAt: Math.min(at + size, bytes.length) };
  }
  return { bodyBytes, doneAt: -1 };
}

describe("ResponseReader", () => {
  const pieces = [1, 2, 3, 7, 50, 1_000];
  test.each(pieces)("finds the end of each response when reads hold %i bytes", (size) => {
    const reader = new ResponseReader();
    expect(readPieces(reader, withLength, size)).toEqual({ bodyBytes: 5, doneAt: withLength.length });
    expect(reader.status).toBe(200);
    expect(readPieces(reader, chunked, size)).toEqual({ bodyBytes: 31, doneAt: chunked.length });
    expect(readPieces(reader, empty, size)).toEqual({ bodyBytes: 0, doneAt: empty.length });
    expect(reader.status).toBe(429);
    expect(readPieces(reader, chunked, size)).toEqual({ bodyBytes: 31, doneAt: chunked.length });
  });

  test("is not done while a byte is missing", () => {
    for (const response of [withLength, chunked, empty]) {
      const reader = new ResponseReader();
      reader.push(response.subarray(0, -1));
      expect(reader.done).toBe(false);
    }
  });
});
