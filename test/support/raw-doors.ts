import { ConnectError, Code } from "@connectrpc/connect";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { toBinary } from "@bufbuild/protobuf";
import { ErrorReason, GatewayErrorSchema } from "../../src/contract/index.ts";
import { Http1Wire, Http2Wire, type WireAnswer, type WireRequest } from "./raw-wires.ts";

// Every door of the gateway as bytes: for what no client of a protocol would send. Each door keeps one connection, so that
// a good request after a bad one tells whether the connection has survived.

/** A request of which every byte can be chosen. */
export interface RawAsk {
  /** The message; the door puts it into its protocol's envelope. */
  readonly message?: string | Uint8Array;
  /** Instead of `message`: the body as it goes out. */
  readonly body?: string | Uint8Array;
  /** Over the door's own headers; undefined leaves one out, a list sends several. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly method?: string;
  readonly path?: string;
  /** Over HTTP/1.1: in chunks, without a declared length. */
  readonly undeclared?: boolean;
}

/** What came back, the same for every protocol. */
export interface RawAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Name of our reason; `NONE` for a good answer, `UNTYPED …` for a failure without one. */
  readonly reason: string;
  /** Connect's name of the status; undefined where the protocol has none. */
  readonly code: string | undefined;
  readonly field: string;
  readonly message: string;
  readonly requestId: string;
  /** Size of the contract's error, and of everything that was received. */
  readonly errorBytes: number;
  readonly receivedBytes: number;
  /** Everything that was received, trailers included, base64 opened: to look for what must not be in it. */
  readonly text: string;
}

/** One way into the gateway. */
export interface RawDoor {
  readonly name: string;
  readonly protocol: "rest" | "connect" | "grpc" | "grpc-web";
  readonly codec: "json" | "proto";
  readonly stream: boolean;
  readonly path: string;
  /** Rejects when there is no answer in time. */
  ask(ask: RawAsk): Promise<RawAnswer>;
  close(): void;
}

/** Longest time that an answer may take, in milliseconds: what is longer hangs. */
const MAX_WAIT_MS = 8000;
const RPC = "/parley.v1.ChatService/";

/** Every protocol, framing and codec, unary and streamed. `key` is sent with each request. */
export function rawDoorsOf(port: number, key: string): RawDoor[] {
  const doors: RawDoor[] = [];
  for (const stream of [false, true]) {
    doors.push(makeDoor(port, key, { protocol: "rest", codec: "json", stream }));
    for (const protocol of ["connect", "grpc", "grpc-web"] as const) {
      for (const codec of ["json", "proto"] as const) doors.push(makeDoor(port, key, { protocol, codec, stream }));
    }
  }
  return doors;
}

type Kind = Pick<RawDoor, "protocol" | "codec" | "stream">;

function makeDoor(port: number, key: string, kind: Kind): RawDoor {
  const wire = kind.protocol === "grpc" ? new Http2Wire(port) : new Http1Wire(port);
  const path = kind.protocol === "rest" ? "/v1/chat/completions" : RPC + (kind.stream ? "GenerateStream" : "Generate");
  const own = {
    "content-type": contentType(kind),
    authorization: `Bearer ${key}`,
    ...(kind.protocol === "grpc" ? { te: "trailers" } : {}),
  };
  return {
    ...kind,
    name: `${kind.protocol} ${kind.codec} ${kind.stream ? "stream" : "unary"}`,
    path,
    async ask(ask) {
      const headers = Object.fromEntries(
        Object.entries({ ...own, ...ask.headers }).filter(([, value]) => value !== undefined),
      );
      const body = ask.body === undefined ? envelope(kind, Buffer.from(ask.message ?? "")) : Buffer.from(ask.body);
      const request = {
        method: ask.method ?? "POST",
        path: ask.path ?? path,
        headers: headers as WireRequest["headers"],
        body,
        undeclared: ask.undeclared === true,
      };
      return readAnswer(kind, await inTime(wire.ask(request)));
    },
    close: () => wire.close(),
  };
}

function contentType({ protocol, codec, stream }: Kind): string {
  if (protocol === "rest") return "application/json";
  if (protocol === "connect") return `application/${stream ? "connect+" : ""}${codec}`;
  return `application/${protocol}+${codec}`;
}

function envelope({ protocol, stream }: Kind, message: Buffer): Buffer {
  if (protocol === "rest" || (protocol === "connect" && !stream)) return message;
  return framed(message);
}

/** A message in the envelope that gRPC, gRPC-Web and Connect's streams share. `says` is the length that it claims. */
export function framed(message: Uint8Array | string, options: { flags?: number; says?: number } = {}): Buffer {
  const bytes = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix[0] = options.flags ?? 0;
  prefix.writeUInt32BE(options.says ?? bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${MAX_WAIT_MS} ms`)), MAX_WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function readAnswer(kind: Kind, answer: WireAnswer): RawAnswer {
  const { status, headers, body } = answer;
  const received = {
    status,
    headers: { ...headers, ...trailersOf(kind, answer) },
    receivedBytes: sizeOf(answer),
    text: textOf(answer),
  };
  // Who calls no method, or in no protocol that the gateway knows there, is answered in JSON: of REST, or of Connect.
  const isPlain = status >= 400 && (headers["content-type"] ?? "").startsWith("application/json");
  if (!isPlain)
    return { ...received, ...(kind.protocol === "rest" ? readRest(body, status >= 400) : readRpc(kind, answer)) };
  return {
    ...received,
    ...(body.toString().startsWith('{"error"') ? readRest(body, true) : readRpc(CONNECT_UNARY, answer)),
  };
}

const CONNECT_UNARY: Kind = { protocol: "connect", codec: "json", stream: false };

/** gRPC-Web has its trailers in the body. */
function trailersOf({ protocol }: Kind, { trailers, body }: WireAnswer): Record<string, string> {
  const last = protocol === "grpc-web" ? frames(body).at(-1) : undefined;
  return last?.flags === 0x80 ? Object.fromEntries(trailerParse(last.data)) : trailers;
}

type Read = Pick<RawAnswer, "reason" | "code" | "field" | "message" | "requestId" | "errorBytes">;

const GOOD: Read = { reason: "NONE", code: undefined, field: "", message: "", requestId: "", errorBytes: 0 };
const REASONS = new Map<number, string>(Object.entries(ErrorReason).map(([name, value]) => [value, name]));

interface RestError {
  readonly message?: string;
  readonly param?: string | null;
  readonly parley?: { readonly reason?: string; readonly request_id?: string };
}

function readRest(body: Buffer, failed: boolean): Read {
  const text = body.toString();
  const last = text.startsWith("data: ") ? text.trimEnd().split("\n\n").at(-1)?.slice("data: ".length) : text;
  if (!failed && (last === "[DONE]" || !last?.startsWith('{"error"'))) return GOOD;
  const { error } = JSON.parse(last ?? "{}") as { error?: RestError };
  const { reason, request_id: requestId } = error?.parley ?? {};
  return {
    reason: reason?.toUpperCase() ?? `UNTYPED ${last}`,
    code: undefined,
    field: error?.param ?? "",
    message: error?.message ?? "",
    requestId: requestId ?? "",
    errorBytes: Buffer.byteLength(last ?? ""),
  };
}

function readRpc(kind: Kind, answer: WireAnswer): Read {
  const error = rpcError(kind, answer);
  if (!error) return GOOD;
  const detail = error.findDetails(GatewayErrorSchema)[0];
  return {
    reason: detail ? (REASONS.get(detail.reason) ?? `UNTYPED ${detail.reason}`) : `UNTYPED ${error.message}`,
    code: Code[error.code],
    field: detail?.field ?? "",
    message: error.rawMessage,
    requestId: detail?.requestId ?? "",
    errorBytes: detail ? toBinary(GatewayErrorSchema, detail).length : 0,
  };
}

const UNKNOWN = new ConnectError("no status", Code.Unknown);

function rpcError({ protocol }: Kind, { status, headers, trailers, body }: WireAnswer): ConnectError | undefined {
  const last = frames(body).at(-1);
  if (protocol === "connect") {
    if (status >= 400) return errorFromJsonBytes(body, new Headers(), UNKNOWN);
    if (!headers["content-type"]?.startsWith("application/connect+")) return undefined;
    return last?.flags === 2 ? endStreamFromJson(last.data).error : UNKNOWN;
  }
  if (protocol === "grpc-web" && last?.flags === 0x80) return findTrailerError(trailerParse(last.data));
  const found = headers["grpc-status"] === undefined ? trailers : headers;
  return found["grpc-status"] === undefined ? UNKNOWN : findTrailerError(new Headers(found));
}

function frames(body: Buffer): { flags: number; data: Buffer }[] {
  const list = [];
  for (let at = 0; at + 5 <= body.length;) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    list.push({ flags: body[at]!, data: body.subarray(at + 5, end) });
    at = end;
  }
  return list;
}

function sizeOf({ headers, trailers, body }: WireAnswer): number {
  return body.length + JSON.stringify([headers, trailers]).length;
}

function textOf({ headers, trailers, body }: WireAnswer): string {
  const text = `${JSON.stringify([headers, trailers])}\n${body.toString("latin1")}`;
  const opened = [...text.matchAll(/[A-Za-z0-9+/_-]{24,}={0,2}/g)].map(([word]) =>
    Buffer.from(word, "base64").toString("latin1"),
  );
  return [text, decodeQuietly(text), ...opened].join("\n");
}

function decodeQuietly(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (word) =>
    Buffer.from(word.replaceAll("%", ""), "hex").toString("latin1"),
  );
}
