import type { ServerResponse } from "node:http";
import {
  GenerateResponseSchema,
  GenerateStreamResponseSchema,
  ResponseFold,
  type GenerateRequest,
  type GenerateStreamRequest,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { ChatCall } from "../../pipeline/call.ts";
import { answerHeaders, originHeaders } from "../answer-headers.ts";
import type { AnyResponse } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { requiredRequest } from "./check-message.ts";
import { toConnectError } from "./connect-error.ts";
import { framingOf, joined, type Framing } from "./framing.ts";
import { commonHeaders, type RpcCall } from "./rpc.ts";
import { StreamSink } from "./stream-sink.ts";
import type { Wire } from "./wire.ts";

// The two chat methods of `parley.v1.ChatService` write their answers themselves: the stock handlers take a unary call
// through a chain of promises and iterables that costs more than the rest of the request. What fails before anything is
// written is thrown, and the stock handlers put it into the caller's protocol.

/** What a method that writes its own answer works with. */
export interface DirectCall<Request> {
  readonly gateway: Gateway;
  readonly call: RpcCall;
  readonly message: Request;
  readonly wire: Pick<Wire, "protocol" | "json">;
  readonly response: AnyResponse;
  /** Most bytes that wait for a slow reader before the pipeline is asked to pause. */
  readonly streamBufferBytes: number;
}

/** `Generate`: writes the whole answer, or throws without having written anything. */
export async function generate(direct: DirectCall<GenerateRequest>): Promise<void> {
  const { gateway, call, message, wire, response } = direct;
  const fold = new ResponseFold();
  const outcome = await gateway.chat(chatCall(message, call, false), {
    write(events) {
      for (const event of events) fold.add(event);
      return true;
    },
    onDrain: undefined,
  });
  if (outcome.kind === "failed") throw toConnectError(outcome.gatewayError);
  const answer = fold.response();
  const framing = framingOf(wire);
  const body = framing.message(GenerateResponseSchema, { $typeName: "parley.v1.GenerateResponse", response: answer });
  writeWhole(response, framing, body, { ...commonHeaders(call), ...answerHeaders(answer) });
}

/** `GenerateStream`: writes events as they come, or throws without having written anything. */
export async function generateStream(direct: DirectCall<GenerateStreamRequest>): Promise<void> {
  const { gateway, call, message, wire, response, streamBufferBytes } = direct;
  const framing = framingOf(wire);
  const sink = new StreamSink({
    response,
    framing,
    streamBufferBytes,
    headersOf: (first) => ({ ...commonHeaders(call), ...startHeaders(first) }),
    encode: (event) =>
      framing.message(GenerateStreamResponseSchema, { $typeName: "parley.v1.GenerateStreamResponse", event }),
  });
  const outcome = await gateway.chat(chatCall(message, call, true), sink);
  if (outcome.kind === "completed") return sink.end(undefined);
  const error = toConnectError(outcome.gatewayError);
  if (!sink.begun) throw error;
  error.metadata.delete("x-request-id"); // it is in the headers, and clients join both
  sink.end(error);
}

function chatCall(message: GenerateRequest | GenerateStreamRequest, call: RpcCall, stream: boolean): ChatCall {
  const timeoutMs = call.timeLeftMs();
  if (timeoutMs !== undefined && timeoutMs <= 0) {
    throw new ParleyError("DEADLINE_EXCEEDED", "Cannot answer in time: the deadline passed while the request arrived");
  }
  return {
    requestId: call.requestId,
    caller: call.caller(),
    request: requiredRequest(message.request),
    stream,
    timeoutMs,
    signal: call.signal,
    abort: (reason) => call.abort(reason),
    onRates: (headers) => (call.rateHeaders = headers),
    carriesState: true,
    takesReset: true,
    surface: "connect",
  };
}

// Headers leave with the first event: what `started` tells is in time, unless kept_alive came before it.
function startHeaders({ event }: StreamEvent): Record<string, string> {
  if (event.case !== "started") return {};
  const { origin, adaptations, attempt } = event.value;
  const headers = originHeaders(origin, adaptations);
  if (attempt > 0) headers["x-parley-attempts"] = String(attempt);
  return headers;
}

// Beyond this the copy into a string costs more than the second buffer of a write.
const MAX_JOINED_BYTES = 64 * 1024;

function writeWhole(
  response: AnyResponse,
  framing: Framing,
  message: Uint8Array,
  headers: Record<string, string | number>,
): void {
  const { body: ending, trailers } = framing.end(undefined);
  const body = ending ? joined([message, ending]) : message;
  headers["content-type"] = framing.contentType;
  // Trailers need a body in chunks; every other answer is whole and says how long it is.
  if (!trailers) headers["content-length"] = body.length;
  // Both kinds of response take the same arguments; TypeScript cannot call a union of their overloads.
  const target = response as ServerResponse;
  target.writeHead(200, headers);
  if (trailers) target.addTrailers(trailers);
  // node:http joins its headers with a string into one buffer; a Buffer would make it a gathering write, which costs
  // three times as much for an answer of usual size.
  if ("stream" in response || trailers || body.length > MAX_JOINED_BYTES) target.end(body);
  else target.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"), "latin1");
}
