import type { ModelFacts } from "../catalog/facts.ts";
import type { FixedKeyConfig, IssuerConfig, OrganisationConfig } from "./config-identity.ts";
import type { Constraints, Delivery, OnRefusal, Priority } from "../contract/index.ts";
import type { PolicyConfig, RateConfig } from "./config-policies.ts";

/** The checked configuration: file, environment, flags and zero-config merged. Plain data; the app builds from it. */
export interface Config {
  readonly server: ServerConfig;
  readonly providers: readonly ProviderConfig[];
  readonly routes: readonly RouteConfig[];
  readonly tasks: readonly RouteConfig[];
  readonly routeDefaults: RouteDefaults;
  readonly organisations: readonly OrganisationConfig[];
  readonly issuers?: readonly IssuerConfig[];
  readonly keys: readonly FixedKeyConfig[];
  readonly policies: readonly PolicyConfig[];
  /** Whether the built-in sandbox runs and is a provider named `sandbox`. */
  readonly sandbox: boolean;
  readonly observability: ObservabilityConfig;
  readonly fleet: FleetConfig;
  /** Address of a PostgreSQL, with its password; undefined: SQLite in the data folder. */
  readonly databaseUrl: Secret | undefined;
  /** Address of the Redis that replicas share; undefined: this process is alone. Never without a `databaseUrl`. */
  readonly redisUrl: Secret | undefined;
  /** Where it came from, for people: a path, or `zero-config`. */
  readonly source: string;
}

/** How replicas behave that share a Redis. */
export interface FleetConfig {
  /** What a replica does with requests once the shared store has been away for half a minute. */
  readonly whenIsolated: "refuse" | "continue";
}

/** What the gateway tells of itself beyond logs and metrics. */
export interface ObservabilityConfig {
  /** File to which routing decisions are recorded, absolute; undefined: they are not. */
  readonly decisionsFile: string | undefined;
  readonly alerts: AlertsConfig;
}

/** Where alerts of budgets go beside the event stream of administrators, and what is one. */
export interface AlertsConfig {
  /** Where they are posted to; undefined: nowhere. */
  readonly webhook: { readonly url: string; readonly secret: Secret | undefined } | undefined;
  /** Money goes too fast at more than `factor` times an even rate over `overMs`; undefined: that is not looked at. */
  readonly burnRate: { readonly factor: number; readonly overMs: number } | undefined;
}

/** Listener, limits and times. All durations in milliseconds, all sizes in bytes. */
export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Where administration listens on its own; undefined: it is on the main port. */
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string } | undefined;
  /** Doors that need no key: of `metrics` and `reflection`. */
  readonly open: readonly ("metrics" | "reflection")[];
  /** Origins that browsers may call from; `*` for any. Credentials are never allowed with `*`. */
  readonly corsOrigins: readonly string[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly drain: { readonly acceptMs: number; readonly graceMs: number };
  /** `os`: the ledger trusts the operating system's cache; `full`: fsync before each forward. */
  readonly durability: "os" | "full";
}

/** Limits, each enforced at the boundary it names. */
export interface Limits {
  readonly requestBytes: number;
  readonly requestWithMediaBytes: number;
  readonly jsonDepth: number;
  readonly headerBytes: number;
  readonly upstreamEventBytes: number;
  /** Most bytes of a whole unary upstream answer. */
  readonly upstreamResponseBytes: number;
  readonly startupEvents: number;
  readonly startupBytes: number;
  readonly streamBufferBytes: number;
  /** Bytes of all requests in flight together; beyond it requests are shed before they are parsed. */
  readonly inFlightBytes: number;
  readonly connections: number;
  readonly streamsPerConnection: number;
}

/** Times of one request. */
export interface Timeouts {
  readonly connectMs: number;
  readonly tlsMs: number;
  /** Streaming: until response headers and first content. */
  readonly firstContentMs: number;
  /** The same for reasoning targets. */
  readonly reasoningFirstContentMs: number;
  /** Streaming: between content events. */
  readonly progressMs: number;
  /** Over all attempts, when the caller names no deadline. */
  readonly totalMs: number;
  /** How long a sole target's wish to be called later (`retry-after`) is waited for. */
  readonly retryAfterMaxMs: number;
  /** Time without an event after which the caller gets a keep-alive. */
  readonly keepAliveMs: number;
  /** Until a client has sent its request's headers, and then its body. */
  readonly clientHeadersMs: number;
  readonly clientBodyMs: number;
}

/** What the configuration calls a provider's upstream API. */
export type ApiName = "chat" | "responses" | "messages" | "generate";

/** One provider account. */
export interface ProviderConfig {
  readonly name: string;
  /** Name of a provider entry, for example `openai` or `openai-compatible`. */
  readonly kind: string;
  /** Without a trailing slash; undefined: the entry's own. */
  readonly baseUrl: string | undefined;
  readonly parameters: Readonly<Partial<Record<ParameterName, string>>>;
  readonly credentials: readonly CredentialConfig[];
  /** `any`: every model id is passed on; otherwise only the listed ones. Undefined: the catalogue's, and any other id. */
  readonly models: "any" | readonly ModelConfig[] | undefined;
  /** Facts that hold for each of its models. */
  readonly facts: Partial<ModelFacts>;
  /** Which of the entry's upstream APIs to use. */
  readonly api: "auto" | ApiName;
  /** How the gateway tries out what has rested; undefined: callers' requests do. */
  readonly probe?: { readonly everyMs: number; readonly kind: "models" | "chat"; readonly model: string | undefined };
  /** How fast attempts may go there, over all callers. */
  readonly rates: readonly RateConfig[];
}

/** A secret that cannot be printed by accident. */
export interface Secret {
  /** The secret itself: only for the authorisation header. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

/** One credential of a provider's pool. */
export interface CredentialConfig {
  /** Stable id for logs and books, for example `openai#1`. */
  readonly id: string;
  readonly apiKey?: Secret;
  /** A bearer token that somebody else keeps fresh. */
  readonly accessToken?: Secret;
  /** What access tokens are got for. */
  readonly grant?: GrantConfig;
}

/** What access tokens are got for, by the name of the OAuth grant. */
export type GrantConfig =
  | {
      readonly kind: "signed_assertion";
      readonly tokenUrl: string;
      readonly issuer: string;
      /** PEM. */
      readonly privateKey: Secret;
      readonly keyId: string | undefined;
      readonly projectId: string | undefined;
    }
  | {
      readonly kind: "refresh_token";
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: Secret;
      readonly refreshToken: Secret;
      readonly projectId: string | undefined;
    }
  | {
      readonly kind: "client_credentials";
      /** Undefined: the kind's own, for the tenant. */
      readonly tokenUrl: string | undefined;
      readonly tenantId: string;
      readonly clientId: string;
      readonly clientSecret: Secret;
    };

/** What of an account stands in its provider's addresses, beside the credential. */
export type ParameterName = "project" | "location" | "api_version";

/** A model as a provider serves it. */
export interface ModelConfig {
  /** What callers write after `provider/`. */
  readonly publicId: string;
  /** What the provider calls it. */
  readonly nativeId: string;
  readonly facts: Partial<ModelFacts>;
}

/** A public model name, or a task, over several targets. */
export interface RouteConfig extends RouteDefaults {
  readonly name: string;
  /** In order. */
  readonly targets: readonly RouteTargetConfig[];
  readonly onRefusal: OnRefusal;
  /** What the strategy `balanced` weighs. */
  readonly weights: { readonly cost: number; readonly latency: number; readonly quality: number };
  /** How long a conversation stays with its target; undefined: it does not. */
  readonly affinityMs: number | undefined;
  /** When a second target is asked beside the first, in milliseconds without content; undefined: never. */
  readonly hedge: { readonly after: number | "p95"; readonly maxPercent: number } | undefined;
  readonly constraints: Constraints | undefined;
}

/** What holds where a route says nothing, and for names that are no route's. */
export interface RouteDefaults {
  readonly strategy: "ordered" | "weighted" | "cheapest" | "fastest" | "balanced";
  readonly priority: Priority;
  readonly delivery: Delivery;
}

/** What a route says about one of its targets. */
export interface RouteTargetConfig {
  /** `provider/model`. */
  readonly target: string;
  readonly weight: number;
  /** From 0 to 1; undefined: not judged. */
  readonly quality: number | undefined;
  readonly canaryPercent: number | undefined;
  /** It serves nobody and gets a copy of this percentage of requests; undefined: it serves. */
  readonly shadowPercent: number | undefined;
}
