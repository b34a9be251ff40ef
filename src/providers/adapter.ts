import type { Adaptation, ChatRequest } from "../contract/index.ts";
import type { Dialect, DialectTarget, UnsupportedField } from "../dialects/dialect.ts";
import type { UpstreamRequest } from "../upstream/upstream.ts";

/** A configured provider, ready to be called: an entry tied to its dialect, its address and its credentials. */
export interface ProviderAdapter {
  /** Configured name. */
  readonly name: string;
  /** Binding fields of the request that the target cannot honour, whichever of the vendor's APIs may serve it. */
  unsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[];
  /** The credentials that calls take turns with; never empty. */
  readonly credentialIds: readonly string[];
  /**
   * The upstream call for a request, authorised by the next credential that `isUsable`, or just the next where none is; unset: all are.
   * Throws `ParleyError` where the dialect cannot express it.
   */
  prepare(
    request: ChatRequest,
    target: DialectTarget,
    stream: boolean,
    isUsable?: (credentialId: string) => boolean,
  ): PreparedCall;
  /** The call that lists the provider's models, in the place of what `prepare` would send; undefined: it has none. */
  readonly prepareListing?:
    | ((request: ChatRequest, target: DialectTarget, isUsable?: (credentialId: string) => boolean) => PreparedCall)
    | undefined;
}

/** An upstream call that is ready to go. */
export interface PreparedCall {
  /** Reads the answer. */
  readonly dialect: Dialect;
  /** What the dialect may know of the model at the API that was chosen. */
  readonly target: DialectTarget;
  readonly http: UpstreamRequest;
  /** Gets the headers that authorise the call, where `http` still lacks them. Rejects with a typed error. */
  readonly authorise: (() => Promise<Readonly<Record<string, string>>>) | undefined;
  /** To be told that the provider has refused the credential. */
  readonly refused: () => void;
  /** Which credential of the pool it uses, for the books. */
  readonly credentialId: string;
  readonly adaptations: readonly Adaptation[];
}

export type { DecodeOptions, Dialect, StreamDecoder } from "../dialects/dialect.ts";
