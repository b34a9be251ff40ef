import { create } from "@bufbuild/protobuf";
import {
  AttemptSchema,
  CostSchema,
  FinishReason,
  OriginSchema,
  StreamEventSchema,
  BlockWriter,
  UsageSchema,
  UsageSource,
  candidateFinished,
  completed,
  started,
  type ChatRequest,
  type Model,
  type Part,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError, toGatewayError } from "../../errors/index.ts";
import type { ChatCall, ChatOutcome, EventSink } from "../../pipeline/call.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Gateway } from "../gateway.ts";
import type { Listener } from "../listener.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import type { OpenAiSurfaceOptions } from "./options.ts";
import { createOpenAiSurface } from "./surface.ts";

// What the tests of this surface share. Only tests import it.

/** The only key that the test's gateway knows. */
export const KEY = "parley_test_key_0001";

/** How the test's gateway answers. */
export type Script = (call: ChatCall, sink: EventSink) => Promise<ChatOutcome> | ChatOutcome;

/** A gateway whose answers the test writes: it implements the port that the surface sees. */
export class ScriptedGateway implements Gateway {
  /** Calls that came, in order. */
  readonly calls: ChatCall[] = [];
  /** What `models` knows. */
  catalogue: Model[] = [];
  script: Script;
  #requests = 0;
  #errors = 0;

  constructor(script: Script = (call, sink) => answerWith(call, sink, [])) {
    this.script = script;
  }

  async chat(call: ChatCall, sink: EventSink): Promise<ChatOutcome> {
    this.calls.push(call);
    return this.script(call, sink);
  }

  authenticate(credential: string | undefined): ReturnType<Gateway["authenticate"]> {
    if (credential !== KEY) throw new ParleyError("UNAUTHENTICATED", "Cannot accept the key: it is not known");
    return { keyId: "key_1", name: "test", role: "chat", allowsModel: () => true, allowsRawParams: true };
  }

  readonly models: Gateway["models"] = {
    list: (_principal, { pageToken }) => {
      const from = Number(pageToken || 0);
      const end = Math.min(from + 2, this.catalogue.length);
      return { models: this.catalogue.slice(from, end), nextPageToken: end < this.catalogue.length ? String(end) : "" };
    },
    get: (_principal, name) => {
      const found = this.catalogue.find((model) => model.name === name);
      if (!found) throw new ParleyError("MODEL_NOT_FOUND", `Cannot find the model ${name}`, { field: "model" });
      return found;
    },
  };

  newRequestId(): string {
    return `req_${++this.#requests}`;
  }

  newErrorId(): string {
    return `err_${++this.#errors}`;
  }
}

/** The request of the last call. */
export function lastRequest(gateway: ScriptedGateway): ChatRequest {
  const call = gateway.calls.at(-1);
  if (!call) throw new Error("no request reached the gateway");
  return call.request;
}

/** What a test sends beside path and body. */
export interface SendInit extends Omit<RequestInit, "headers"> {
  readonly headers?: Record<string, string>;
}

/** A surface that is being served. */
export interface ServedSurface {
  readonly url: string;
  readonly port: number;
  readonly listener: Listener;
  /** Sends a request with the key and, where `body` is an object, as JSON. */
  send(path: string, body?: unknown, init?: SendInit): Promise<Response>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Serves the surface behind the real listener on a free port. */
export async function serveSurface(
  runtime: Runtime,
  gateway: Gateway,
  options: Partial<OpenAiSurfaceOptions> = {},
): Promise<ServedSurface> {
  const limits = { requestBytes: 64 * 1024, requestWithMediaBytes: 256 * 1024, jsonDepth: 32 };
  const surface = createOpenAiSurface({
    gateway,
    runtime,
    log: silentLog,
    limits,
    timeouts: { clientBodyMs: 5000 },
    ...options,
  });
  const listener = await listenForTest(runtime, {
    corsOrigins: ["*"],
    handlers: { openai: surface, connect: () => undefined, ops: () => false },
  });
  const url = `http://127.0.0.1:${listener.port}`;
  return {
    url,
    port: listener.port,
    listener,
    send(path, body, init = {}) {
      const text = typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
      return fetch(url + path, {
        method: body === undefined ? "GET" : "POST",
        ...(body === undefined ? {} : { body: text as string }),
        ...init,
        headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...init.headers },
      });
    },
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** What a scripted answer says beside its parts. */
export interface ScriptedAnswer {
  readonly parts: readonly Part[];
  readonly finish?: FinishReason;
  readonly native?: string;
}

/** The origin of scripted answers. */
export const ORIGIN = create(OriginSchema, {
  provider: "house",
  dialect: "openai-chat",
  model: "qwen/qwen3",
  servedModel: "qwen3-2026",
  region: "eu",
});

/** `started` as the pipeline completes it. */
export function startedEvent(requestId: string): StreamEvent {
  return started({
    id: requestId,
    origin: ORIGIN,
    attempt: 2,
    createdAt: { seconds: 1_790_000_000n, nanos: 0 },
    adaptations: [{ field: "sampling.seed", requestedJson: "7", reason: "the provider has no seed" }],
    systemFingerprint: "fp_1",
    upstreamId: "up_1",
  });
}

/** `completed` as the pipeline completes it. */
export function completedEvent(): StreamEvent {
  return completed({
    usage: create(UsageSchema, {
      inputTokens: 10,
      cacheReadTokens: 5,
      outputTokens: 7,
      reasoningTokens: 3,
      source: UsageSource.REPORTED,
      balanced: true,
    }),
    cost: create(CostSchema, { nanoUsd: 1_230_000n, priceVersion: "config" }),
    attempts: [create(AttemptSchema, { number: 1, target: ORIGIN, durationMs: 12 })],
    serviceTier: "default",
  });
}

/** The events of a whole answer, one candidate per element: as a codec's `decodeResponse` yields them. */
export function wholeEvents(requestId: string, candidates: readonly ScriptedAnswer[]): StreamEvent[] {
  const events = [startedEvent(requestId)];
  const writer = new BlockWriter();
  for (const [index, { parts, finish = FinishReason.STOP, native = "stop" }] of candidates.entries()) {
    for (const part of parts) writer.whole(events, index, part);
    events.push(candidateFinished(index, finish, native));
  }
  events.push(completedEvent());
  return events;
}

/** Answers a call with these parts, whole. */
export function answerWith(
  call: ChatCall,
  sink: EventSink,
  parts: readonly Part[],
  finish?: FinishReason,
): ChatOutcome {
  sink.write(wholeEvents(call.requestId, [{ parts, ...(finish === undefined ? {} : { finish }) }]));
  return { kind: "completed" };
}

/** The outcome of a call that failed before anything was delivered. */
export function failWith(call: ChatCall, error: ParleyError): ChatOutcome {
  const context = { requestId: call.requestId, errorId: "err_p", contentDelivered: false, attempts: [] };
  return { kind: "failed", error, gatewayError: toGatewayError(error, context), delivered: false };
}

/** Ends a call's stream with a failure. */
export function breakWith(call: ChatCall, sink: EventSink, error: ParleyError): ChatOutcome {
  const context = { requestId: call.requestId, errorId: "err_p", contentDelivered: true, attempts: [] };
  const gatewayError = toGatewayError(error, context);
  sink.write([create(StreamEventSchema, { event: { case: "failed", value: { error: gatewayError } } })]);
  return { kind: "failed", error, gatewayError, delivered: true };
}

/** The data of an SSE text's events; comments are left out. */
export function sseData(text: string): string[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => block.slice("data: ".length));
}
