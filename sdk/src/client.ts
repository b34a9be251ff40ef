import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { callErrorFrom } from "./call-error.ts";
import { withCallDefaults } from "./call-defaults.ts";
import { ChatStream } from "./chat-stream.ts";
import {
  ChatRequestSchema,
  ChatService,
  ModelService,
  RouteService,
  type ChatResponse,
  type Decision,
  type Model,
  type Trace,
} from "./contract.ts";
import { ParleyRequestError } from "./errors.ts";
import { DEFAULT_TIMEOUT_MS, checkOptions, checkTimeout, type CallOptions, type ParleyOptions } from "./options.ts";

/** A chat request as plain objects; every field is that of the contract's `ChatRequest`. */
export type ChatRequestInit = MessageInitShape<typeof ChatRequestSchema>;

/** Which models to list. */
export interface ModelFilter {
  /** Configured name of a provider. Unset: all. */
  readonly provider?: string;
}

/** A client of one gateway. It holds no state besides its connections, and may be shared by a whole program. */
export interface Parley {
  /** Conversations. */
  readonly chat: {
    /** Asks for a whole answer. Throws `ParleyRequestError`. */
    generate(request: ChatRequestInit, options?: CallOptions): Promise<ChatResponse>;
    /** Asks for a streamed answer. The request is sent when reading begins, and reading throws `ParleyRequestError`. */
    stream(request: ChatRequestInit, options?: CallOptions): ChatStream;
  };
  /** What requests can name. */
  readonly models: {
    /** Every model and route that the key may use, routes first; all pages within one budget. */
    list(filter?: ModelFilter, options?: CallOptions): Promise<Model[]>;
    /** One of them, by the name a request would use. Throws `ParleyRequestError` with `MODEL_NOT_FOUND`. */
    get(name: string, options?: CallOptions): Promise<Model>;
  };
  /** Where requests go, and why. */
  readonly routes: {
    /** Where a chat request would go if it were sent now; no provider is called. Throws `ParleyRequestError`. */
    explain(request: ChatRequestInit, options?: CallOptions): Promise<Decision>;
    /** What became of an earlier request of this key. Throws `ParleyRequestError` with `NOT_FOUND`. */
    trace(requestId: string, options?: CallOptions): Promise<Trace>;
  };
  /** The generated clients, which throw `ConnectError`; `gatewayErrorFrom` reads it. Key and budget apply to them too. */
  readonly clients: {
    readonly chat: Client<typeof ChatService>;
    readonly models: Client<typeof ModelService>;
    readonly routes: Client<typeof RouteService>;
  };
}

const MAX_PAGES = 100;
const PAGE_SIZE = 1000;

/** Builds a client over what `makeTransport` gives. Throws `TypeError` where the options cannot work together. */
export function buildParley<Options extends ParleyOptions>(
  options: Options,
  makeTransport: (options: Options) => Transport,
): Parley {
  checkOptions(options);
  const { apiKey, timeoutMs = DEFAULT_TIMEOUT_MS, headers } = options;
  const transport = withCallDefaults(options.transport ?? makeTransport(options), { apiKey, timeoutMs, headers });
  const clients = {
    chat: createClient(ChatService, transport),
    models: createClient(ModelService, transport),
    routes: createClient(RouteService, transport),
  };
  return {
    chat: chatOf(clients.chat, timeoutMs),
    models: modelsOf(clients.models, timeoutMs),
    routes: routesOf(clients.routes, timeoutMs),
    clients,
  };
}

function chatOf(client: Client<typeof ChatService>, defaultTimeoutMs: number): Parley["chat"] {
  return {
    async generate(request, options = {}) {
      const { response } = await call(options, defaultTimeoutMs, (callOptions) =>
        client.generate({ request: create(ChatRequestSchema, request) }, callOptions),
      );
      return response ?? fail("it has no response");
    },
    stream(request, options = {}) {
      const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
      checkTimeout(timeoutMs);
      const message = create(ChatRequestSchema, request);
      const open = (signal: AbortSignal, seeId: (headers: Headers) => void): ReturnType<typeof client.generateStream> =>
        client.generateStream(
          { request: message },
          {
            ...connectOptions({ ...options, timeoutMs }),
            signal,
            onHeader(seen) {
              seeId(seen);
              options.onHeader?.(seen);
            },
          },
        );
      return new ChatStream(open, options.signal, timeoutMs);
    },
  };
}

function modelsOf(client: Client<typeof ModelService>, defaultTimeoutMs: number): Parley["models"] {
  return {
    async list(filter = {}, options = {}) {
      const budgetMs = options.timeoutMs ?? defaultTimeoutMs;
      const startedAt = performance.now();
      const models: Model[] = [];
      let pageToken = "";
      for (let page = 0; page < MAX_PAGES; page++) {
        const leftMs = Math.max(1, Math.floor(budgetMs - (performance.now() - startedAt)));
        const request = { pageToken, pageSize: PAGE_SIZE, provider: filter.provider ?? "" };
        const reply = await call({ ...options, timeoutMs: leftMs }, budgetMs, (callOptions) =>
          client.listModels(request, callOptions),
        );
        models.push(...reply.models);
        if (reply.nextPageToken === "" || reply.nextPageToken === pageToken) return models;
        pageToken = reply.nextPageToken;
      }
      return fail(`its list of models has more than ${MAX_PAGES} pages`);
    },
    async get(name, options = {}) {
      const { model } = await call(options, defaultTimeoutMs, (callOptions) => client.getModel({ name }, callOptions));
      return model ?? fail("it has no model");
    },
  };
}

function routesOf(client: Client<typeof RouteService>, defaultTimeoutMs: number): Parley["routes"] {
  return {
    async explain(request, options = {}) {
      const { decision } = await call(options, defaultTimeoutMs, (callOptions) =>
        client.explain({ request: create(ChatRequestSchema, request) }, callOptions),
      );
      return decision ?? fail("it has no decision");
    },
    async trace(requestId, options = {}) {
      const { trace } = await call(options, defaultTimeoutMs, (callOptions) =>
        client.getTrace({ requestId }, callOptions),
      );
      return trace ?? fail("it has no trace");
    },
  };
}

type ConnectOptions = NonNullable<Parameters<Client<typeof ModelService>["getModel"]>[1]>;

async function call<Reply>(
  options: CallOptions,
  defaultTimeoutMs: number,
  send: (options: ConnectOptions) => Promise<Reply>,
): Promise<Reply> {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  checkTimeout(timeoutMs);
  const signal = options.signal ?? new AbortController().signal;
  try {
    return await send(connectOptions({ ...options, timeoutMs }));
  } catch (thrown) {
    throw callErrorFrom(thrown, { signal, timeoutMs });
  }
}

function connectOptions(options: CallOptions & { readonly timeoutMs: number }): ConnectOptions {
  const { signal, timeoutMs, headers, onHeader } = options;
  return {
    timeoutMs,
    ...(signal ? { signal } : {}),
    ...(headers === undefined ? {} : { headers }),
    ...(onHeader ? { onHeader } : {}),
  };
}

function fail(what: string): never {
  const facts = { reason: "UNKNOWN", fault: "gateway", retryable: false, safeToRetry: true } as const;
  throw new ParleyRequestError(`Cannot read the gateway's answer: ${what}`, facts);
}
