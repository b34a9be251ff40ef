import { ParleyError } from "../../errors/index.ts";
import { pathOf, type AnyRequest } from "../exchange.ts";
import { printable } from "./read-message.ts";
import type { Rpc } from "./rpc-table.ts";
import type { Wire } from "./wire.ts";

/** Why a request reaches no method. */
export interface Misdirected {
  readonly error: ParleyError;
  /** HTTP status where the protocol shows one. */
  readonly status: number;
  /** Methods that would have been right, as the `allow` header lists them. */
  readonly allow?: string;
}

/** What is wrong with path, HTTP method or content type; undefined: nothing. */
export function misdirected(
  request: AnyRequest,
  wire: Wire | undefined,
  rpc: Rpc | undefined,
): Misdirected | undefined {
  if (!rpc) {
    const path = printable(pathOf(request));
    const text = `Cannot call ${path}: there is no such method; gRPC reflection lists them`;
    return { error: new ParleyError("NOT_IMPLEMENTED", text), status: 404 };
  }
  if (request.method !== "POST" && !(request.method === "GET" && rpc.allowsGet)) {
    const allow = rpc.allowsGet ? "GET, POST" : "POST";
    return {
      error: new ParleyError("INVALID_REQUEST", `Cannot call ${rpc.path} like this: send ${allow}`),
      status: 405,
      allow,
    };
  }
  if (wire && fits(wire, rpc)) return undefined;
  const expected = rpc.streams
    ? "application/connect+json, application/connect+proto"
    : "application/json, application/proto";
  const what =
    request.method === "GET"
      ? "its query names no encoding; send encoding=json or encoding=proto"
      : "its content-type is wrong";
  const text = `Cannot call ${rpc.path}: ${what}; it takes ${expected}, application/grpc and application/grpc-web`;
  return { error: new ParleyError("INVALID_REQUEST", text, { field: "content-type" }), status: 415 };
}

/** A method that another port of the gateway serves. */
export function onOtherPort({ path, method }: Rpc): Misdirected {
  const where = method.parent.typeName.startsWith("parley.admin.")
    ? "administration has an address of its own; ask who runs the gateway for it"
    : "this address is administration's; call the main one";
  return { error: new ParleyError("NOT_FOUND", `Cannot call ${path} here: ${where}`), status: 404 };
}

function fits(wire: Wire, rpc: Rpc): boolean {
  switch (wire.protocol) {
    case "grpc":
    case "grpc-web":
      return true;
    case "connect-stream":
      return rpc.streams;
    default:
      return !rpc.streams;
  }
}
