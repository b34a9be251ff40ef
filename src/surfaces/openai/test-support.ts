import { CALLER } from "../../pipeline/caller.fixture.ts";
import { expect } from "vitest";
import { textPart, type ChatRequest, type Model } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { ChatCall, ChatOutcome, EventSink } from "../../pipeline/call.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Gateway } from "../gateway.ts";
import type { Listener } from "../listener.ts";
import { listenForTest, silentLog } from "../test-support.ts";
import { answerWith } from "./answers.fixture.ts";
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

  readonly admin = {} as Gateway["admin"];

  authenticate({ key }: Parameters<Gateway["authenticate"]>[0]): ReturnType<Gateway["authenticate"]> {
    if (key !== KEY) throw new ParleyError("UNAUTHENTICATED", "Cannot accept the key: it is not known");
    return { ...CALLER, keyId: "key_1" };
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

  readonly budgets: Gateway["budgets"] = {
    list: () => notAsked(),
    watch: () => notAsked(),
  };

  readonly usage: Gateway["usage"] = {
    query: () => notAsked(),
    attempts: () => notAsked(),
    export: () => notAsked(),
    compensate: () => notAsked(),
  };
  readonly explain: Gateway["explain"] = {
    explain: () => notAsked(),
    trace: () => notAsked(),
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
  const limits = { requestBytes: 65_536, requestWithMediaBytes: 262_144, jsonDepth: 32, streamBufferBytes: 65_536 };
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

/** The path of chat requests. */
export const CHAT = "/v1/chat/completions";

/** A request that is fine. */
export const BODY = { model: "house/qwen/qwen3", messages: [{ role: "user", content: "hi" }] };

/** What an error response says, after a look at what all of them have in common. */
export async function errorOf(
  response: Response,
): Promise<{ status: number; code: unknown; param: unknown; message: string; parley: Record<string, unknown> }> {
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  const body = (await response.json()) as { error: Record<string, unknown> };
  expect(Object.keys(body)).toEqual(["error"]);
  const { code, param, message, parley } = body.error as {
    code: unknown;
    param: unknown;
    message: string;
    parley: Record<string, unknown>;
  };
  expect(parley["request_id"]).toBe(response.headers.get("x-request-id"));
  return { status: response.status, code, param, message, parley };
}

/** A gateway that says hi. */
export function sayHi(): ScriptedGateway {
  return new ScriptedGateway((call, sink) => answerWith(call, sink, [textPart("hi")]));
}

/** A gateway whose answers wait for the test, and what the surface tells them. */
export function held(): {
  gateway: ScriptedGateway;
  sink: Promise<EventSink>;
  aborted: Promise<unknown>;
  finish: () => void;
} {
  let onSink: (sink: EventSink) => void = () => undefined;
  let onAbort: (reason: unknown) => void = () => undefined;
  let finish: () => void = () => undefined;
  const sink = new Promise<EventSink>((resolve) => (onSink = resolve));
  const aborted = new Promise<unknown>((resolve) => (onAbort = resolve));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const gateway = new ScriptedGateway(async (call, itsSink) => {
    call.signal.addEventListener("abort", () => onAbort(call.signal.reason));
    onSink(itsSink);
    await Promise.race([aborted, finished]);
    return { kind: "completed" };
  });
  return { gateway, sink, aborted, finish };
}

function notAsked(): never {
  throw new RangeError("Cannot answer: this surface has no way to ask");
}
