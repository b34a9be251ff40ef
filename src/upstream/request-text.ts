import type { UpstreamRequest } from "./upstream.ts";

/** A request as it goes over the wire. */
export interface RequestText {
  readonly text: string;
  readonly encoding: "latin1" | "utf8";
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// Only ASCII goes out: what a byte beyond it means is known to nobody (RFC 9110, 5.5).
const VALUE = /^[\t\x20-\x7e]*$/;
const TARGET = /^\/[\x21-\x7e]*$/;
const OURS: ReadonlySet<string> = new Set(["host", "connection", "content-length", "transfer-encoding", "upgrade"]);

interface Lines {
  readonly origin: string;
  readonly text: string;
}

// A credential's headers are one object for as long as it is the same: so are their lines.
const linesOf = new WeakMap<object, Lines>();

/** Head and body as one text. Returns what is wrong with a part that could be read as something else. */
export function requestText({ origin, method, path, headers, body }: UpstreamRequest): RequestText | string {
  if (!TARGET.test(path)) return "its path holds a character that no path may hold";
  let lines = linesOf.get(headers);
  if (lines?.origin !== origin) {
    const problem = whatIsWrong(headers);
    if (problem !== undefined) return problem;
    lines = { origin, text: headerLines(origin, headers) };
    linesOf.set(headers, lines);
  }
  const lengthBytes = Buffer.byteLength(body);
  return {
    text: `${method} ${path} HTTP/1.1\r\n${lines.text}${lengthBytes}\r\n\r\n${body}`,
    // Where every character is a byte, it is written as it stands.
    encoding: lengthBytes === body.length ? "latin1" : "utf8",
  };
}

/** All headers, up to the value of the last one, which is the body's length. */
function headerLines(origin: string, headers: UpstreamRequest["headers"]): string {
  let text = `host: ${new URL(origin).host}\r\nconnection: keep-alive\r\n`;
  for (const name of Object.keys(headers)) text += `${name}: ${headers[name]}\r\n`;
  return `${text}content-length: `;
}

function whatIsWrong(headers: UpstreamRequest["headers"]): string | undefined {
  for (const name of Object.keys(headers)) {
    if (!NAME.test(name) || OURS.has(name)) return "a header has a name that it may not have";
    if (!VALUE.test(headers[name] ?? "")) return `the header ${name} holds a character that no header may hold`;
  }
  return undefined;
}
