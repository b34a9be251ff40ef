import type { Transport } from "@connectrpc/connect";

/** The gateway's key: a text, or a function that gives one before each call, for keys that live shortly. */
export type ApiKey = string | (() => string | Promise<string>);

/** What becomes HTTP headers. */
export type HeadersSource = ConstructorParameters<typeof Headers>[0];

/** How to reach a gateway, on every platform. */
export interface ParleyOptions {
  /** Address of the gateway, for example `http://127.0.0.1:8080`, without the `/v1` of the REST surface. */
  readonly baseUrl: string;
  /** Key, sent as `authorization: Bearer`. Unset: none is sent, for proxies that add it. Never printed. */
  readonly apiKey?: ApiKey | undefined;
  /** Budget of each call in milliseconds, 1 to 2147483647. Unset: 900000, a quarter of an hour. */
  readonly timeoutMs?: number | undefined;
  /** Protocol on the wire. Browsers speak `connect` and `grpc-web`. Unset: `connect`, with binary messages. */
  readonly protocol?: "connect" | "grpc" | "grpc-web" | undefined;
  /** Headers of every call. */
  readonly headers?: HeadersSource;
  /** Sends requests through this `fetch`, in Node too. Unset: Node's own HTTP client, the browser's `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** A transport of your own; `protocol` and `fetch` have no meaning beside it and are refused. */
  readonly transport?: Transport | undefined;
}

/** What one call may set for itself. */
export interface CallOptions {
  /** Cancels the call, at the gateway and its provider as well. */
  readonly signal?: AbortSignal | undefined;
  /** Budget of this call in milliseconds, in place of the client's; what is left of it is the gateway's deadline. */
  readonly timeoutMs?: number | undefined;
  /** Headers of this call, for example `traceparent`. They go before the client's. */
  readonly headers?: HeadersSource;
  /** Sees the reply's headers. */
  readonly onHeader?: ((headers: Headers) => void) | undefined;
}

/** A quarter of an hour, as the gateway's own limit. */
export const DEFAULT_TIMEOUT_MS = 900_000;

const MAX_TIMEOUT_MS = 2_147_483_647;

/** Throws `TypeError` where the options cannot work together; no message shows the key. */
export function checkOptions(options: ParleyOptions): void {
  checkBaseUrl(options.baseUrl);
  if (typeof options.apiKey === "string") checkKey(options.apiKey);
  if (options.timeoutMs !== undefined) checkTimeout(options.timeoutMs);
  const { protocol, transport } = options;
  if (transport && (protocol !== undefined || options.fetch)) {
    throw new TypeError("Cannot create a client: transport brings its own protocol and fetch, leave those two out");
  }
  if (protocol !== undefined && !["connect", "grpc", "grpc-web"].includes(protocol)) {
    throw new TypeError(`Cannot create a client: protocol is ${String(protocol)}, use connect, grpc or grpc-web`);
  }
}

/** Throws `TypeError` where a budget is not one. */
export function checkTimeout(timeoutMs: number): void {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return;
  throw new TypeError(
    `Cannot send a request: timeoutMs is ${timeoutMs}, use a whole number from 1 to ${MAX_TIMEOUT_MS}`,
  );
}

/** Throws `TypeError` where a key cannot be a header's value, without showing it: `Headers` would print it. */
export function checkKey(key: unknown): asserts key is string {
  if (typeof key !== "string" || key === "") {
    throw new TypeError("Cannot authenticate: apiKey is empty, set it or leave it out");
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new TypeError("Cannot authenticate: apiKey has a space, a line break or a character beyond ASCII, trim it");
  }
}

function checkBaseUrl(baseUrl: string): void {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new TypeError(
      "Cannot create a client: baseUrl is not an http(s) address, use one like http://127.0.0.1:8080",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("Cannot create a client: baseUrl carries a user or password, use apiKey");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new TypeError("Cannot create a client: baseUrl has a query or a fragment, leave it out");
  }
}
