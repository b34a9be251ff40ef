// A small Connect server over the SDK's own generated services, whose answers a test scripts by model name. It speaks
// what a gateway speaks on real sockets, HTTP/1.1 and HTTP/2 on one port, so that the SDK is tested without the server.
import { once } from "node:events";
import http from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  ChatRequestSchema,
  ChatService,
  ErrorReason,
  Fault,
  GatewayErrorSchema,
  ModelKind,
  ModelService,
  RouteService,
  collect,
  type ChatRequest,
  type GatewayError,
  type StreamEvent,
} from "../src/index.ts";
import { interrupted } from "./events.ts";

export type Script = (
  request: ChatRequest,
  context: HandlerContext,
) => Iterable<StreamEvent> | AsyncIterable<StreamEvent>;

/** One call as the server saw it. */
export interface SeenCall {
  readonly request: ChatRequest;
  readonly header: Headers;
  /** What was left of the caller's budget when the call arrived, in milliseconds. */
  readonly timeoutMs: number | undefined;
  /** Aborts when the caller leaves or the deadline passes. */
  readonly signal: AbortSignal;
}

export class ScriptedGateway implements AsyncDisposable {
  readonly calls: SeenCall[] = [];
  /** Files for a browser, by path; `.js` is a script, anything else a page. */
  readonly pages = new Map<string, string>();
  /** Sockets that are open. */
  readonly sockets = new Set<Socket>();
  readonly #scripts: ReadonlyMap<string, Script>;
  readonly #key: string;
  readonly #server: Server;

  private constructor(scripts: Readonly<Record<string, Script>>, key: string) {
    this.#scripts = new Map(Object.entries(scripts));
    this.#key = key;
    const handler = connectNodeAdapter({
      routes: (router) => this.#routes(router),
      fallback: ({ url = "" }, response) => {
        const page = this.pages.get(url);
        response.statusCode = page === undefined ? 404 : 200;
        response.setHeader("content-type", url.endsWith(".js") ? "text/javascript" : "text/html");
        response.end(page ?? "");
      },
    });
    const http1 = http.createServer(handler);
    const http2 = createHttp2Server({ settings: { maxConcurrentStreams: 100 } }, handler);
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.sockets.delete(socket));
      const onReadable = (): void => {
        const first = socket.read(3) as Buffer | null;
        if (!first) return;
        socket.off("readable", onReadable);
        socket.unshift(first);
        (first.toString("latin1") === "PRI" ? http2 : http1).emit("connection", socket);
      };
      socket.on("readable", onReadable);
    });
  }

  static async start(scripts: Readonly<Record<string, Script>>, key = "parley_test_key"): Promise<ScriptedGateway> {
    const gateway = new ScriptedGateway(scripts, key);
    await once(gateway.#server.listen(0, "127.0.0.1"), "listening");
    return gateway;
  }

  /** Its address. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  get lastCall(): SeenCall {
    const call = this.calls.at(-1);
    if (!call) throw new Error("no call has arrived");
    return call;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  #routes(router: ConnectRouter): void {
    router.service(ChatService, {
      generate: async ({ request }, context) => {
        const response = await collect(this.#run(request, context)).catch((thrown: unknown) => {
          throw thrown instanceof Error && thrown.cause instanceof ConnectError ? thrown.cause : thrown;
        });
        return { response };
      },
      generateStream: async function* (
        this: ScriptedGateway,
        { request }: { request?: ChatRequest | undefined },
        context: HandlerContext,
      ) {
        context.responseHeader.set("x-request-id", "req_1");
        for await (const event of this.#run(request, context)) {
          yield { event };
          if (event.event.case === "failed") throw statusOf(event.event.value.error ?? interrupted());
        }
      }.bind(this),
    });
    router.service(ModelService, {
      listModels: ({ pageToken, provider }, context) => {
        this.#authenticate(context);
        const page = Number(pageToken || "0");
        const name = page === 0 ? "failover-demo" : `sandbox/page-${page}`;
        const kind = page === 0 ? ModelKind.ROUTE : ModelKind.MODEL;
        return { models: [{ name, kind, provider }], nextPageToken: page < 2 ? String(page + 1) : "" };
      },
      getModel: ({ name }, context) => {
        this.#authenticate(context);
        if (name === "sandbox/story") return { model: { name, provider: "sandbox", displayName: "Story" } };
        throw statusOf(modelNotFound(name));
      },
    });
    router.service(RouteService, {
      explain: (_message, context) => {
        this.#authenticate(context);
        const candidates = ["sandbox/fault-503", "sandbox/story"].map((name, index) => ({ name, rank: index + 1 }));
        return { decision: { candidates } };
      },
      getTrace: ({ requestId }, context) => {
        this.#authenticate(context);
        return { trace: { requestId, attempts: [{ number: 1, durationMs: 3 }] } };
      },
    });
  }

  async *#run(request: ChatRequest | undefined, context: HandlerContext): AsyncGenerator<StreamEvent> {
    this.#authenticate(context);
    const message = request ?? create(ChatRequestSchema);
    const { requestHeader: header, signal } = context;
    this.calls.push({ request: message, header, timeoutMs: context.timeoutMs(), signal });
    const script = this.#scripts.get(message.model);
    if (!script) throw statusOf(modelNotFound(message.model));
    yield* script(message, context);
  }

  #authenticate({ requestHeader }: HandlerContext): void {
    if (requestHeader.get("authorization") === `Bearer ${this.#key}`) return;
    throw statusOf(
      create(GatewayErrorSchema, {
        reason: ErrorReason.UNAUTHENTICATED,
        fault: Fault.CALLER,
        message: "Cannot authenticate: the key is not known",
        safeToRetry: true,
        requestId: "req_1",
        errorId: "err_401",
      }),
      Code.Unauthenticated,
    );
  }
}

function modelNotFound(name: string): GatewayError {
  return create(GatewayErrorSchema, {
    reason: ErrorReason.MODEL_NOT_FOUND,
    fault: Fault.CALLER,
    message: `Cannot find a model: model is ${name}`,
    field: "model",
    safeToRetry: true,
    requestId: "req_1",
    errorId: "err_404",
  });
}

/** The status that carries an error, as a gateway sends it. */
export function statusOf(error: GatewayError, code: Code = Code.Unavailable): ConnectError {
  return new ConnectError(error.message, code, undefined, [{ desc: GatewayErrorSchema, value: error }]);
}

/** Resolves when a signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
