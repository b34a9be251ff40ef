import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import {
  ChatService,
  ResponseFold,
  type ChatRequest,
  type ChatResponse,
  type GenerateRequest,
  type GenerateStreamRequest,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { ChatCall } from "../../pipeline/call.ts";
import { answerHeaders, originHeaders } from "../answer-headers.ts";
import type { Gateway } from "../gateway.ts";
import { toConnectError } from "./connect-error.ts";
import { streamRpc, unaryRpc, type RpcCall } from "./rpc.ts";
import { StreamSink } from "./stream-sink.ts";

/** `parley.v1.ChatService` over the gateway's pipeline. */
export function registerChat(router: ConnectRouter, gateway: Gateway, streamBufferBytes: number): void {
  unaryRpc(router, ChatService.method.generate, async (message, call, context) => {
    const fold = new ResponseFold();
    const outcome = await gateway.chat(chatCall(message, call, false), {
      write(events) {
        for (const event of events) fold.add(event);
        return true;
      },
      onDrain: undefined,
    });
    if (outcome.kind === "failed") throw toConnectError(outcome.gatewayError);
    const response: ChatResponse = fold.response();
    setHeaders(context, answerHeaders(response));
    return { response };
  });
  streamRpc(router, ChatService.method.generateStream, async function* (message, call, context) {
    const sink = new StreamSink(streamBufferBytes);
    let over = false;
    const ended = gateway.chat(chatCall(message, call, true), sink).finally(() => {
      over = true;
      sink.wake();
    });
    // Whoever stops reading early never gets to the end below.
    ended.catch(() => undefined);
    for await (const event of sink.events(() => over)) {
      setStartHeaders(context, event);
      yield { event };
    }
    const outcome = await ended;
    if (outcome.kind === "failed") throw toConnectError(outcome.gatewayError);
  });
}

function chatCall(message: GenerateRequest | GenerateStreamRequest, call: RpcCall, stream: boolean): ChatCall {
  const timeoutMs = call.timeLeftMs();
  if (timeoutMs !== undefined && timeoutMs <= 0) {
    throw new ParleyError("DEADLINE_EXCEEDED", "Cannot answer in time: the deadline passed while the request arrived");
  }
  return {
    requestId: call.requestId,
    caller: call.caller(),
    request: required(message.request),
    stream,
    timeoutMs,
    signal: call.signal,
    abort: (reason) => call.abort(reason),
    carriesState: true,
    surface: "connect",
  };
}

function required(request: ChatRequest | undefined): ChatRequest {
  if (request) return request;
  throw new ParleyError("INVALID_REQUEST", "Cannot answer: request is not set; send the chat request in it", {
    field: "request",
  });
}

// Headers leave with the first event: what `started` tells is in time, unless kept_alive came before it.
function setStartHeaders(context: HandlerContext, { event }: StreamEvent): void {
  if (event.case !== "started") return;
  const { origin, adaptations, attempt } = event.value;
  setHeaders(context, originHeaders(origin, adaptations));
  if (attempt > 0) context.responseHeader.set("x-parley-attempts", String(attempt));
}

function setHeaders(context: HandlerContext, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) context.responseHeader.set(name, value);
}
