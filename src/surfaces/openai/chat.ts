import type { GatewayError } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { ChatOutcome } from "../../pipeline/call.ts";
import { credentialsOf, type AnyRequest, type AnyResponse } from "../exchange.ts";
import { answerHeaders } from "../answer-headers.ts";
import { readBody } from "../request-body.ts";
import { checkRequestSize } from "../request-size.ts";
import { ChunkEncoder } from "./chunk-encoder.ts";
import { decodeRequest, type DecodedRequest } from "./decode-request.ts";
import { encodeResponse } from "./encode-response.ts";
import { ownError } from "./errors.ts";
import { checkRequestHeaders, setRateHeaders, timeoutOf, type ResponseHeaders } from "./headers.ts";
import type { OpenAiSurfaceOptions } from "./options.ts";
import { sendJson, sendPipelineError, type Reply } from "./reply.ts";
import { StreamSink } from "./stream-sink.ts";
import { UnarySink } from "./unary-sink.ts";

// A reason of our own: without one, abort() builds a DOMException with a stack trace for every caller that leaves.
const CALLER_LEFT = new ParleyError("CANCELLED", "The caller left before the answer was complete");

/** POST /v1/chat/completions: reads and decodes the request, runs it, and writes its answer whole or as a stream. */
export async function handleChat(
  options: OpenAiSurfaceOptions,
  request: AnyRequest,
  response: AnyResponse,
  reply: Reply,
): Promise<void> {
  const { gateway, budget } = options;
  // Before the body is read: strangers may not fill the memory.
  const known = gateway.authenticate(credentialsOf(request), "chat");
  const principal = known instanceof Promise ? await known : known;
  checkRequestHeaders(request);
  const caller = new AbortController();
  const onClose = (): void => {
    if (!response.writableEnded) caller.abort(CALLER_LEFT);
  };
  response.once("close", onClose);
  const { decoded, bytes } = await receive(options, request);
  try {
    const timeoutMs = timeoutOf(request, decoded.stream);
    const call = {
      requestId: reply.requestId,
      caller: principal,
      timeoutMs,
      signal: caller.signal,
      abort: (reason: ParleyError) => caller.abort(reason),
      onRates: (headers: ResponseHeaders) => setRateHeaders(reply.headers, headers),
      carriesState: false,
      takesReset: false,
      surface: "openai",
    };
    const answer = decoded.stream ? streamAnswer(options, decoded, reply) : wholeAnswer(options, decoded, reply);
    const outcome = await gateway.chat({ ...call, request: decoded.request, stream: decoded.stream }, answer.sink);
    response.off("close", onClose);
    answer.end(outcome);
  } finally {
    budget?.give(bytes);
  }
}

/** Reads and decodes a request. Its `bytes` are taken from the budget until the request is over. */
async function receive(
  { limits, timeouts, runtime, budget }: OpenAiSurfaceOptions,
  request: AnyRequest,
): Promise<{ decoded: DecodedRequest; bytes: number }> {
  const { clientBodyMs: timeoutMs } = timeouts;
  const options = { maxBytes: limits.requestWithMediaBytes, timeoutMs, runtime };
  const body = await readBody(request, budget ? { ...options, budget } : options);
  try {
    const decoded = decodeRequest(body, { maxDepth: limits.jsonDepth });
    checkRequestSize(decoded.request, body.length, limits);
    return { decoded, bytes: body.length };
  } catch (thrown) {
    budget?.give(body.length);
    throw thrown;
  }
}

interface Answer<Sink> {
  readonly sink: Sink;
  /** Writes what the events have not written yet. */
  end(outcome: ChatOutcome): void;
}

function wholeAnswer(options: OpenAiSurfaceOptions, decoded: DecodedRequest, reply: Reply): Answer<UnarySink> {
  const sink = new UnarySink();
  return {
    sink,
    end(outcome) {
      if (outcome.kind === "failed") return sendPipelineError(reply, outcome.gatewayError);
      const answer = sink.response();
      const { legacyFunctions } = decoded;
      sendJson(
        reply,
        200,
        encodeResponse(answer, { legacyFunctions, nowSeconds: nowSeconds(options) }),
        answerHeaders(answer),
      );
    },
  };
}

function streamAnswer(options: OpenAiSurfaceOptions, decoded: DecodedRequest, reply: Reply): Answer<StreamSink> {
  const { requestId } = reply;
  const errorOf = (error: ParleyError): GatewayError =>
    ownError(error, { requestId, errorId: options.gateway.newErrorId() });
  const encoder = new ChunkEncoder({
    requestId,
    errorOf,
    includeUsage: decoded.includeUsage,
    legacyFunctions: decoded.legacyFunctions,
    nowSeconds: nowSeconds(options),
  });
  const sink = new StreamSink(reply.response, encoder, reply.headers, options.limits.streamBufferBytes);
  return {
    sink,
    end(outcome) {
      if (outcome.kind === "failed" && !outcome.delivered) sendPipelineError(reply, outcome.gatewayError);
      // A stream never just stops: a client could take the fragment for the answer.
      else if (!encoder.ended) sink.fail(outcome.kind === "failed" ? outcome.gatewayError : errorOf(NO_TERMINAL));
    },
  };
}

const NO_TERMINAL = new ParleyError("GATEWAY_INTERNAL", "Cannot complete the answer: it has no last event");

function nowSeconds(options: OpenAiSurfaceOptions): number {
  return Math.floor(options.runtime.nowMs() / 1000);
}
