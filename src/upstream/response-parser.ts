import { readHead, type ResponseHead } from "./response-head.ts";

/** What a response is made of, in order. */
export interface ResponseParts {
  /** The final status and headers; never 1xx. */
  onHead(head: ResponseHead): void;
  /** Bytes of the body: all that one read brought, lent for the call. */
  onBody(bytes: Buffer): void;
}

/** What an answer that breaks the rules of HTTP/1.1 fails with. */
export class MalformedResponse extends Error {
  override readonly name = "MalformedResponse";
}

/** What a head beyond the limit fails with. */
export class HeadTooLarge extends MalformedResponse {}

const CR = 0x0d;
const LF = 0x0a;
const BLANK_LINE = Buffer.from("\r\n\r\n");
const BEGINNING = "HTTP/1.";
const BARE_LINE_FEED = /(?:^|[^\r])\n/;
// A size beyond it could not be counted exactly; no answer is that large.
const MAX_SIZE_DIGITS = 12;

type State = "head" | "length" | "close" | ChunkState | "done";
type ChunkState = "size" | "extension" | "size-end" | "chunk" | "chunk-cr" | "chunk-lf" | TrailerState;
type TrailerState = "trailer" | "trailer-name" | "trailer-value" | "trailer-end" | "last-lf";

/**
 * Reads the responses of one connection, one after another, however their bytes are cut. Strict: whatever two readers
 * could take for two different things is refused, since its end, and thereby the next response, could be anywhere.
 */
export class ResponseParser {
  readonly #parts: ResponseParts;
  readonly #maxHeadBytes: number;
  #state: State = "done";
  #head: Buffer | undefined;
  /** Bytes that are still missing of the body or of the present chunk. */
  #left = 0;
  #digits = 0;
  /** Bytes of chunk extensions and trailers, which nobody reads. */
  #extraBytes = 0;
  #excess = false;

  constructor(parts: ResponseParts, maxHeadBytes: number) {
    this.#parts = parts;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Whether the response is whole. */
  get done(): boolean {
    return this.#state === "done";
  }

  /** Whether bytes came behind the response's end, which nobody has asked for. */
  get excess(): boolean {
    return this.#excess;
  }

  /** A response is expected; until then, and behind its end, every byte is in excess. */
  restart(): void {
    this.#state = "head";
    this.#extraBytes = 0;
  }

  /** Takes what a read brought. Its bytes may be moved about. Throws `MalformedResponse` after having told what came before. */
  push(bytes: Buffer): void {
    let from = 0;
    while (this.#state === "head") {
      from = this.#takeHead(bytes, from);
      if (from < 0) return;
    }
    if (this.#state === "length") from = this.#takeLength(bytes, from);
    else if (this.#state === "close") from = this.#takeAll(bytes, from);
    else if (this.#state !== "done") from = this.#takeChunks(bytes, from);
    if (from < bytes.length) this.#excess = true;
  }

  /** The connection has ended cleanly. Returns whether the response is whole by that. */
  end(): boolean {
    if (this.#state === "close") this.#state = "done";
    return this.#state === "done";
  }

  /** Returns where the body begins; -1: the head goes on in the next read. */
  #takeHead(bytes: Buffer, from: number): number {
    const before = this.#head?.length ?? 0;
    const all = this.#head ? Buffer.concat([this.#head, bytes]) : bytes;
    const start = this.#head ? 0 : from;
    const end = all.indexOf(BLANK_LINE, Math.max(start, before - BLANK_LINE.length));
    // What has not ended may have begun to end.
    const size = (end < 0 ? all.length - (BLANK_LINE.length - 1) : end) - start;
    if (size > this.#maxHeadBytes) throw new HeadTooLarge("its headers are too large");
    if (end < 0) {
      const text = all.toString("latin1", start);
      // Who never ends a line, or speaks another language, is not waited for.
      if (!BEGINNING.startsWith(text.slice(0, BEGINNING.length)) || BARE_LINE_FEED.test(text)) {
        throw new MalformedResponse("it does not begin as an answer in HTTP/1.1 does");
      }
      this.#head = start === all.length ? undefined : Buffer.from(all.subarray(start));
      return -1;
    }
    this.#head = undefined;
    const head = readHead(all.toString("latin1", start, end));
    if (typeof head === "string") throw new MalformedResponse(head);
    const next = end + BLANK_LINE.length - before;
    if (head.status < 200) return next;
    this.#begin(head);
    return next;
  }

  #begin(head: ResponseHead): void {
    this.#left = head.lengthBytes;
    if (head.body === "length") this.#state = head.lengthBytes === 0 ? "done" : "length";
    else if (head.body === "close") this.#state = "close";
    else this.#expectSize();
    this.#parts.onHead(head);
  }

  #takeLength(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#left -= end - from;
    if (this.#left === 0) this.#state = "done";
    if (end > from) this.#parts.onBody(bytes.subarray(from, end));
    return end;
  }

  #takeAll(bytes: Buffer, from: number): number {
    if (from < bytes.length) this.#parts.onBody(bytes.subarray(from));
    return bytes.length;
  }

  /** Takes all the chunks of a read, moved together so that they are told as one. */
  #takeChunks(bytes: Buffer, from: number): number {
    let at = from;
    let [start, end] = [-1, -1];
    let problem: string | undefined;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "chunk") {
        const until = Math.min(bytes.length, at + this.#left);
        if (start < 0) [start, end] = [at, until];
        else {
          bytes.copyWithin(end, at, until);
          end += until - at;
        }
        this.#left -= until - at;
        at = until;
        if (this.#left === 0) this.#state = "chunk-cr";
        continue;
      }
      problem = this.#takeFraming(bytes[at]!);
      if (problem !== undefined) break;
      at += 1;
    }
    if (start >= 0) this.#parts.onBody(bytes.subarray(start, end));
    if (problem !== undefined) throw new MalformedResponse(problem);
    return at;
  }

  #expectSize(): void {
    this.#state = "size";
    this.#left = 0;
    this.#digits = 0;
  }

  /** One byte between the chunks; returns what is wrong with it. RFC 9112, 7.1. */
  #takeFraming(byte: number): string | undefined {
    switch (this.#state) {
      case "size":
        return this.#takeSize(byte);
      case "extension":
        if (byte === CR) this.#state = "size-end";
        else return this.#takeExtra(byte, "a chunk's extension");
        return undefined;
      case "size-end":
        if (byte !== LF) return "a chunk's size does not end its line";
        this.#state = this.#left > 0 ? "chunk" : "trailer";
        return undefined;
      case "chunk-cr":
        this.#state = "chunk-lf";
        return byte === CR ? undefined : "a chunk is longer than its size";
      case "chunk-lf":
        this.#expectSize();
        return byte === LF ? undefined : "a chunk is longer than its size";
      default:
        return this.#takeTrailer(byte);
    }
  }

  #takeSize(byte: number): string | undefined {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) return "a chunk is too large";
      this.#left = this.#left * 16 + digit;
      return undefined;
    }
    if (this.#digits === 0) return "a chunk has no size";
    if (byte === CR) this.#state = "size-end";
    else if (byte === 0x3b) this.#state = "extension";
    else return "a chunk's size is no number";
    return undefined;
  }

  #takeTrailer(byte: number): string | undefined {
    switch (this.#state) {
      case "trailer":
        if (byte === CR) {
          this.#state = "last-lf";
          return undefined;
        }
        this.#state = "trailer-name";
        return isTokenByte(byte) ? this.#takeExtra(byte, "a trailer") : "a trailer's name is malformed";
      case "trailer-name":
        if (byte === 0x3a) this.#state = "trailer-value";
        else if (!isTokenByte(byte)) return "a trailer's name is malformed";
        return this.#takeExtra(byte, "a trailer");
      case "trailer-value":
        if (byte !== CR) return this.#takeExtra(byte, "a trailer");
        this.#state = "trailer-end";
        return undefined;
      case "trailer-end":
        this.#state = "trailer";
        return byte === LF ? undefined : "a trailer does not end its line";
      default:
        this.#state = "done";
        return byte === LF ? undefined : "its last line does not end";
    }
  }

  #takeExtra(byte: number, what: string): string | undefined {
    this.#extraBytes += 1;
    if (this.#extraBytes > this.#maxHeadBytes) return "its chunk extensions and trailers are too large";
    return (byte < 0x20 && byte !== 0x09) || byte === 0x7f ? `${what} has a control character` : undefined;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isTokenByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(byte));
}
