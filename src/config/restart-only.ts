import type { Config, FleetConfig, Limits, ObservabilityConfig, ServerConfig, Timeouts } from "./config.ts";
import type { KeyPath } from "./document.ts";
import type { LoadedConfig } from "./load.ts";
import type { ConfigProblem } from "./problem.ts";

/** Taken over by a running gateway; everything else is fixed when its parts are built. */
const LIVE = undefined;

// Keys of the file by fields of the configuration: a new field does not compile until it is said which it is.
type Keys<T> = Readonly<Record<keyof T, string | typeof LIVE>>;

const LIMITS: Keys<Limits> = {
  requestBytes: "request",
  requestWithMediaBytes: "request_with_media",
  jsonDepth: "json_depth",
  headerBytes: "headers",
  upstreamEventBytes: LIVE,
  upstreamResponseBytes: LIVE,
  startupEvents: LIVE,
  startupBytes: LIVE,
  streamBufferBytes: "stream_buffer",
  inFlightBytes: "in_flight",
  connections: "connections",
  streamsPerConnection: "streams_per_connection",
};

const TIMEOUTS: Keys<Timeouts> = {
  connectMs: "connect",
  tlsMs: "tls",
  firstContentMs: LIVE,
  reasoningFirstContentMs: LIVE,
  progressMs: LIVE,
  totalMs: LIVE,
  retryAfterMaxMs: LIVE,
  keepAliveMs: LIVE,
  clientHeadersMs: "client_headers",
  clientBodyMs: "client_body",
};

const SERVER: Keys<Omit<ServerConfig, "limits" | "timeouts">> = {
  host: "host",
  port: "port",
  admin: "admin_port",
  dataDir: "data",
  tls: "tls",
  open: "open",
  corsOrigins: "cors_origins",
  drain: "drain",
  durability: "durability",
};

const FLEET: Keys<FleetConfig> = { whenIsolated: "when_isolated" };

const OBSERVABILITY: Keys<ObservabilityConfig> = { decisionsFile: "decisions", alerts: "alerts" };

/** A problem for each change from `running` to `next` that a running gateway cannot make. */
export function restartProblems(running: Config, next: LoadedConfig): ConfigProblem[] {
  const changed: KeyPath[] = [
    ...changedKeys(SERVER, running.server, next.config.server).map((key) => ["server", key]),
    ...changedKeys(LIMITS, running.server.limits, next.config.server.limits).map((key) => ["server", "limits", key]),
    ...changedKeys(TIMEOUTS, running.server.timeouts, next.config.server.timeouts).map((key) => [
      "server",
      "timeouts",
      key,
    ]),
    ...changedKeys(OBSERVABILITY, running.observability, next.config.observability).map((key) => [
      "observability",
      key,
    ]),
    ...changedKeys(FLEET, running.fleet, next.config.fleet).map((key) => ["fleet", key]),
    ...(running.sandbox === next.config.sandbox ? [] : [["sandbox"]]),
  ];
  const message = "it cannot change while the gateway runs: restart it, or take the change back";
  return changed.map((path) => next.problem("needs_restart", path, message));
}

function changedKeys<K extends string>(
  keys: Readonly<Record<K, string | typeof LIVE>>,
  running: Readonly<Record<K, unknown>>,
  next: Readonly<Record<K, unknown>>,
): string[] {
  return (Object.keys(keys) as K[]).flatMap((field) => {
    const key = keys[field];
    return key === LIVE || JSON.stringify(running[field]) === JSON.stringify(next[field]) ? [] : [key];
  });
}
