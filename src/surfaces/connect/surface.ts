import type { Message } from "@bufbuild/protobuf";
import { ParleyError } from "../../errors/index.ts";
import type { GenerateRequest } from "../../contract/index.ts";
import type { Log } from "../../observe/log.ts";
import type { Principal } from "../../policy/principal.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { credentialsOf, cut, pathOf, type AnyRequest, type AnyResponse, type Handler } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import type { InFlightBudget } from "../in-flight-budget.ts";
import type { Readiness } from "../readiness.ts";
import { checkRequestSize } from "../request-size.ts";
import { isServed, type Serves } from "./access.ts";
import { decodeMessage } from "./decode-message.ts";
import { readMessage } from "./read-message.ts";
import { createReflectionHandler } from "./reflection-handler.ts";
import { createRpcTable, type Rpc } from "./rpc-table.ts";
import type { RpcCall } from "./rpc.ts";
import { toUniversalRequest } from "./universal-request.ts";
import { misdirected, onOtherPort, type Misdirected } from "./misdirected.ts";
import { readWire, type Wire } from "./wire.ts";
import { writeAnswer } from "./write-answer.ts";

/** What the Connect surface needs. Sizes in bytes, times in milliseconds. */
export interface ConnectSurfaceOptions {
  readonly gateway: Gateway;
  readonly runtime: Runtime;
  readonly log: Log;
  readonly limits: {
    readonly requestBytes: number;
    readonly requestWithMediaBytes: number;
    readonly jsonDepth: number;
    readonly streamBufferBytes: number;
  };
  readonly timeouts: { readonly clientBodyMs: number };
  /** Doors that need no key; `reflection` is the one that counts here. */
  readonly open: readonly string[];
  readonly readiness: Readiness;
  readonly budget?: InFlightBudget;
  /** Which methods this port serves. Unset: all. */
  readonly serves?: Serves;
}

const SMALL_REQUEST_BYTES = 64 * 1024;

/**
 * Serves the contract over Connect, gRPC and gRPC-Web, JSON and binary. Requests are read here, with limits and typed
 * errors. Chats write their own answers; all else, refusals of chats included, is framed by the stock handlers of Connect.
 */
export function createConnectSurface(options: ConnectSurfaceOptions): Handler {
  const surface = new ConnectSurface(options);
  const reflect = createReflectionHandler({ ...options, needsKey: !options.open.includes("reflection") });
  return (request, response) => {
    if (!reflect(request, response)) void surface.serve(request, response);
  };
}

class ConnectSurface {
  readonly #options: ConnectSurfaceOptions;
  readonly #rpcs: ReadonlyMap<string, Rpc>;
  /** Any method says no in the caller's protocol: these two do it for requests that reach none. */
  readonly #unary: Rpc;
  readonly #stream: Rpc;

  constructor(options: ConnectSurfaceOptions) {
    this.#options = options;
    this.#rpcs = createRpcTable(options);
    this.#unary = [...this.#rpcs.values()].find((rpc) => !rpc.streams)!;
    this.#stream = [...this.#rpcs.values()].find((rpc) => rpc.streams)!;
  }

  async serve(request: AnyRequest, response: AnyResponse): Promise<void> {
    const exchange = new Exchange(this.#options, request, response);
    const wire = readWire(request);
    const rpc = this.#rpcs.get(pathOf(request));
    const isElsewhere = rpc !== undefined && !isServed(rpc.method, this.#options.serves ?? "all");
    const wrong = isElsewhere ? onOtherPort(rpc) : misdirected(request, wire, rpc);
    if (wrong || !wire || !rpc) {
      await this.#refuse(exchange, wire, wrong!);
      return;
    }
    const message = await exchange.read(rpc, wire);
    if (exchange.left) return;
    await exchange.answer(rpc, wire, message);
  }

  // A caller that speaks none of the protocols gets what a unary Connect call gets: JSON.
  async #refuse(exchange: Exchange, wire: Wire | undefined, wrong: Misdirected): Promise<void> {
    exchange.request.resume();
    const rpc = wire?.protocol === "connect-stream" ? this.#stream : this.#unary;
    const asUnary = !wire || wire.protocol === "connect-unary" || wire.protocol === "connect-get";
    await exchange.answer(
      rpc,
      wire ?? { protocol: "connect-unary", json: true },
      wrong.error,
      asUnary ? wrong : undefined,
    );
  }
}

/** One request on its way through the surface. */
class Exchange {
  readonly request: AnyRequest;
  readonly #response: AnyResponse;
  readonly #options: ConnectSurfaceOptions;
  readonly #call: RpcCall;
  #caller: Principal | undefined;
  #takenBytes = 0;
  #timeoutMs: number | undefined;
  left = false;

  constructor(options: ConnectSurfaceOptions, request: AnyRequest, response: AnyResponse) {
    const { gateway, runtime, log, budget } = options;
    this.request = request;
    this.#response = response;
    this.#options = options;
    const caller = new AbortController();
    response.once("close", () => {
      this.left = true;
      budget?.give(this.#takenBytes);
      this.#takenBytes = 0;
      if (!response.writableEnded) caller.abort(new ParleyError("CANCELLED", "Cannot go on: the caller left"));
    });
    const startedMs = runtime.monotonicMs();
    const requestId = gateway.newRequestId();
    this.#call = {
      requestId,
      clientRequestId: request.headers["x-request-id"] as string | undefined,
      caller: () => this.#known(),
      signal: caller.signal,
      abort: (reason) => caller.abort(reason),
      timeLeftMs: () =>
        this.#timeoutMs === undefined ? undefined : this.#timeoutMs - (runtime.monotonicMs() - startedMs),
      newErrorId: () => gateway.newErrorId(),
      onDefect: (thrown) => log.error("a method threw", { request_id: requestId, error: nameOf(thrown) }),
    };
  }

  /** The message, or why there is none. */
  async read(rpc: Rpc, wire: Wire): Promise<Parameters<typeof toUniversalRequest>[2]["message"]> {
    const { runtime, limits, timeouts, budget } = this.#options;
    try {
      // First of all: who has no key shall not make us read and hold what they send.
      if (rpc.scope !== undefined) {
        const caller = this.#options.gateway.authenticate(credentialsOf(this.request), rpc.scope);
        this.#caller = caller instanceof Promise ? await caller : caller;
      }
      if (rpc.mayBeLarge && this.request.headers["idempotency-key"] !== undefined) throw noReplay();
      if (wire.timeoutMs instanceof ParleyError) throw wire.timeoutMs;
      this.#timeoutMs = wire.timeoutMs;
      const bytes = await readMessage(this.request, wire, {
        runtime,
        maxBytes: rpc.mayBeLarge ? limits.requestWithMediaBytes : Math.min(limits.requestBytes, SMALL_REQUEST_BYTES),
        timeoutMs: timeouts.clientBodyMs,
        budget,
        onTaken: (taken) => this.#hold(taken),
      });
      const message = decodeMessage(rpc.input, bytes, {
        json: wire.json,
        jsonDepth: limits.jsonDepth,
        lenient: rpc.lenient,
      });
      checkRequestSize((message as Partial<GenerateRequest>).request, bytes.length, limits);
      return message;
    } catch (thrown) {
      this.request.resume();
      if (!(thrown instanceof ParleyError)) this.#call.onDefect(thrown);
      return ParleyError.from(thrown);
    }
  }

  /** Has the method answer in the caller's protocol. */
  async answer(
    rpc: Rpc,
    wire: Pick<Wire, "protocol" | "json">,
    message: Parameters<typeof toUniversalRequest>[2]["message"],
    misdirection?: Misdirected,
  ): Promise<void> {
    if (rpc.directly && !(message instanceof Error)) return this.#answerDirectly(rpc, wire, message);
    try {
      const answer = await rpc.handler(toUniversalRequest(rpc.path, wire, { call: this.#call, message }));
      if (misdirection?.allow !== undefined) this.#response.setHeader("allow", misdirection.allow);
      await writeAnswer(misdirection ? { ...answer, status: misdirection.status } : answer, this.#response);
    } catch {
      // What can still fail here is writing to a caller who has left, or a method that broke off an answer under way.
      cut(this.#response);
    }
  }

  async #answerDirectly(rpc: Rpc, wire: Pick<Wire, "protocol" | "json">, message: Message): Promise<void> {
    const { gateway, limits } = this.#options;
    const { streamBufferBytes } = limits;
    const response = this.#response;
    try {
      await rpc.directly!({ gateway, call: this.#call, message, wire, response, streamBufferBytes });
    } catch (thrown) {
      if (response.headersSent) {
        // The stock handlers tell of defects before; what breaks off an answer under way would go unnoticed.
        this.#call.onDefect(thrown);
        cut(response);
      } else await this.answer(rpc, wire, thrown instanceof Error ? thrown : ParleyError.from(thrown));
    }
  }

  #known(): Principal {
    if (this.#caller) return this.#caller;
    throw new RangeError("Cannot tell who calls: the method needs no key");
  }

  #hold(bytes: number): void {
    if (this.left) this.#options.budget?.give(bytes);
    else this.#takenBytes += bytes;
  }
}

// A caller who relies on it would be charged twice.
function noReplay(): ParleyError {
  const text = "Cannot honour idempotency-key: this version does not replay answers; leave the header out";
  return new ParleyError("NOT_IMPLEMENTED", text, { field: "idempotency-key" });
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}
