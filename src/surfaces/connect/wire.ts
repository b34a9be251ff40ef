import { ParleyError } from "../../errors/index.ts";
import type { AnyRequest } from "../exchange.ts";

/** How a request's headers say that it is to be read and answered. */
export interface Wire {
  readonly protocol: "connect-unary" | "connect-get" | "connect-stream" | "grpc" | "grpc-web";
  readonly json: boolean;
  /** The content type as sent; the answer's follows from it. */
  readonly contentType: string;
  /** Compression of the message; undefined: none. */
  readonly compression: string | undefined;
  /** The caller's deadline in milliseconds from the request's arrival, or why it cannot be read. */
  readonly timeoutMs: number | undefined | ParleyError;
}

// https://connectrpc.com/docs/protocol and https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const CONTENT_TYPE =
  /^application\/(?:(?<grpc>grpc|grpc-web)(?:\+(?<grpcCodec>json|proto))?|connect\+(?<streamCodec>json|proto)|(?<codec>json|proto))(?: *; *charset=utf-?8)?$/i;

/** What the headers say; undefined where the content type belongs to none of the protocols. */
export function readWire(request: AnyRequest): Wire | undefined {
  if (request.method === "GET") return readGetWire(request);
  const contentType = request.headers["content-type"] ?? "";
  const groups = CONTENT_TYPE.exec(contentType)?.groups;
  if (!groups) return undefined;
  if (groups["grpc"] !== undefined) {
    return {
      protocol: groups["grpc"].toLowerCase() === "grpc" ? "grpc" : "grpc-web",
      json: groups["grpcCodec"]?.toLowerCase() === "json",
      contentType,
      compression: compressionIn(request, "grpc-encoding"),
      timeoutMs: grpcTimeout(request),
    };
  }
  const streamCodec = groups["streamCodec"]?.toLowerCase();
  return {
    protocol: streamCodec === undefined ? "connect-unary" : "connect-stream",
    json: (streamCodec ?? groups["codec"]?.toLowerCase()) === "json",
    contentType,
    compression: compressionIn(request, streamCodec === undefined ? "content-encoding" : "connect-content-encoding"),
    timeoutMs: connectTimeout(request),
  };
}

function readGetWire(request: AnyRequest): Wire | undefined {
  const query = queryOf(request);
  const encoding = query.get("encoding");
  if (encoding !== "json" && encoding !== "proto") return undefined;
  return {
    protocol: "connect-get",
    json: encoding === "json",
    contentType: `application/${encoding}`,
    compression: noIdentity(query.get("compression") ?? undefined),
    timeoutMs: connectTimeout(request),
  };
}

/** The query of a request. */
export function queryOf(request: AnyRequest): URLSearchParams {
  const url = request.url ?? "";
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
}

function headerOf(request: AnyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function compressionIn(request: AnyRequest, name: string): string | undefined {
  return noIdentity(headerOf(request, name));
}

function noIdentity(name: string | undefined): string | undefined {
  return name === "identity" || name === "" ? undefined : name;
}

function connectTimeout(request: AnyRequest): number | undefined | ParleyError {
  const text = headerOf(request, "connect-timeout-ms");
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  return badTimeout("connect-timeout-ms", "up to ten digits, in milliseconds");
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };

function grpcTimeout(request: AnyRequest): number | undefined | ParleyError {
  const text = headerOf(request, "grpc-timeout");
  if (text === undefined) return undefined;
  const match = /^(\d{1,8})([HMSmun])$/.exec(text);
  if (match) return Number(match[1]) * (UNIT_MS[match[2]!] ?? 1);
  return badTimeout("grpc-timeout", "up to eight digits and one of H, M, S, m, u, n");
}

function badTimeout(field: string, expected: string): ParleyError {
  return new ParleyError("INVALID_REQUEST", `Cannot read the deadline: ${field} is not a time; send ${expected}`, {
    field,
  });
}
