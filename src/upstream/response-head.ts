/** The head of a response: its status, its headers, and how its body ends. */
export interface ResponseHead {
  readonly status: number;
  /** By lower-case name; of several the values, joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** `length`: after `lengthBytes`; `chunked`: with the last chunk; `close`: with the connection. */
  readonly body: "length" | "chunked" | "close";
  readonly lengthBytes: number;
  /** Whether the connection may be used again, as far as the head tells. */
  readonly keepsAlive: boolean;
  /** How long the server keeps an idle connection, where it tells. */
  readonly idleMs: number | undefined;
}

// Without a prototype, so that a header is what was sent and nothing else.
function Fields(): void {}
Fields.prototype = Object.create(null) as object;
const newFields = (): Record<string, string> => new (Fields as unknown as new () => Record<string, string>)();

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
// RFC 9110, 5.1 and 5.5: a name is a token, nothing stands between it and its colon, and a value holds no control character.
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const NOT_IN_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);
const LENGTH = /^\d{1,15}$/;

/**
 * Reads a head: status line and headers, each ended by CR LF, without the empty line. Returns what is wrong with it where
 * two readers could disagree on where the response ends: then nothing after it can be believed.
 */
export function readHead(text: string): ResponseHead | string {
  let end = lineEnd(text, 0);
  const status = STATUS_LINE.exec(text.slice(0, end));
  if (!status) return "it does not begin as an answer in HTTP/1.1 does";
  const headers = newFields();
  while (end < text.length) {
    const start = end + 2;
    end = lineEnd(text, start);
    const colon = text.indexOf(":", start);
    if (colon < 0 || colon >= end) return "a header has no colon";
    const name = text.slice(start, colon).toLowerCase();
    if (!NAME.test(name)) return "a header's name is malformed";
    const value = withoutMargins(text, colon + 1, end);
    if (NOT_IN_A_VALUE.test(value)) return "a header has a control character";
    // Readers differ in whether a tab belongs to the value, and what follows from this one is where the body ends.
    if (FRAMING.has(name) && text.slice(colon, end).includes("\t")) return "a header of its body's length has a tab";
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return framed(Number(status[2]), status[1] === "1", headers);
}

// Spaces and tabs only: `trim` would take a stray carriage return for nothing.
function withoutMargins(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isMargin(text.charCodeAt(start))) start += 1;
  while (end > start && isMargin(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isMargin(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end < 0 ? text.length : end;
}

function framed(status: number, is11: boolean, headers: Record<string, string>): ResponseHead | string {
  const { connection, "content-length": length, "transfer-encoding": coding } = headers;
  if (status === 101) return "it switches to another protocol, which was not asked for";
  const keepsAlive = connection === undefined ? is11 : keeps(connection.toLowerCase(), is11);
  const base = { status, headers, keepsAlive, idleMs: idleOf(headers["keep-alive"]) };
  if (coding !== undefined) {
    // What a transfer encoding is to HTTP/1.0, and which of the two holds beside a length, is everybody's guess.
    if (length !== undefined) return "it has both a content-length and a transfer-encoding";
    if (!is11) return "it has a transfer-encoding in HTTP/1.0";
    if (coding.toLowerCase() !== "chunked") return "its transfer-encoding is not chunked";
  }
  if (length !== undefined && !LENGTH.test(length)) return "its content-length is no single number";
  if (status < 200 || status === 204 || status === 304) return { ...base, body: "length", lengthBytes: 0 };
  if (coding !== undefined) return { ...base, body: "chunked", lengthBytes: 0 };
  if (length !== undefined) return { ...base, body: "length", lengthBytes: Number(length) };
  return { ...base, body: "close", lengthBytes: 0, keepsAlive: false };
}

function keeps(connection: string, is11: boolean): boolean {
  if (connection === "keep-alive") return true;
  const options = connection.split(",").map((one) => one.trim());
  return !options.includes("close") && (is11 || options.includes("keep-alive"));
}

function idleOf(keepAlive: string | undefined): number | undefined {
  const seconds =
    keepAlive === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,9})(?:$|[,;\s])/i.exec(keepAlive)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
