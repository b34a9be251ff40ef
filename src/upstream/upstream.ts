import type { ParleyError } from "../errors/index.ts";

/** An HTTP call to a provider. */
export interface UpstreamRequest {
  /** Scheme, host and port, for example `https://api.example.com`. */
  readonly origin: string;
  /** Path with its query. */
  readonly path: string;
  readonly method: "POST" | "GET";
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What happens during an upstream call. Exactly one of `onEnd` and `onError` comes last. */
export interface UpstreamHandler {
  /** The request begins to leave: from here on the provider may have seen it. */
  onSent?(): void;
  onHeaders(status: number, headers: Readonly<Record<string, string>>): void;
  /** What one read has brought. The bytes are lent for the call: who keeps them copies them. */
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** `PROVIDER_UNREACHABLE` or `PROVIDER_TIMEOUT` (of the connection); never after `abort`. */
  onError(error: ParleyError): void;
}

/** A running upstream call. */
export interface UpstreamCall {
  /** Stops reading; the provider feels it through TCP. */
  pause(): void;
  resume(): void;
  /** Closes the connection at once. Nothing is told to the handler afterwards. */
  abort(): void;
}

/** Pooled HTTP to providers. */
export interface UpstreamClient {
  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall;
  /** Closes all connections; running calls fail. */
  close(): Promise<void>;
}
