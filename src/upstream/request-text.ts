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

interface Beginning {
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly text: string;
}

// A credential's headers are one object for as long as it is the same: so is what a request begins with.
const beginnings = new WeakMap<object, Beginning>();

/** Head and body as one text. Returns what is wrong with a part that could be read as something else. */
export function requestText(request: UpstreamRequest): RequestText | string {
  const { origin, method, path, headers, body } = request;
  let beginning = beginnings.get(headers);
  if (!beginning || beginning.path !== path || beginning.origin !== origin || beginning.method !== method) {
    const problem = whatIsWrong(request);
    if (problem !== undefined) return problem;
    beginning = { origin, method, path, text: beginningOf(request) };
    beginnings.set(headers, beginning);
  }
  const lengthBytes = Buffer.byteLength(body);
  return {
    text: `${beginning.text}${lengthBytes}\r\n\r\n${body}`,
    // Where every character is a byte, it is written as it stands.
    encoding: lengthBytes === body.length ? "latin1" : "utf8",
  };
}

function beginningOf({ origin, method, path, headers }: UpstreamRequest): string {
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${new URL(origin).host}\r\nconnection: keep-alive\r\n`;
  for (const name of Object.keys(headers)) text += `${name}: ${headers[name]}\r\n`;
  return `${text}content-length: `;
}

function whatIsWrong({ path, headers }: UpstreamRequest): string | undefined {
  if (!TARGET.test(path)) return "its path holds a character that no path may hold";
  for (const name of Object.keys(headers)) {
    if (!NAME.test(name) || OURS.has(name)) return "a header has a name that it may not have";
    if (!VALUE.test(headers[name] ?? "")) return `the header ${name} holds a character that no header may hold`;
  }
  return undefined;
}
