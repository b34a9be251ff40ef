import type { Limits, ServerConfig, Timeouts } from "./config.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Where the gateway listens unless told otherwise: reachable from this machine only. */
export const DEFAULT_HOST = "127.0.0.1";
/** The default port. */
export const DEFAULT_PORT = 8080;
/** The default data folder, below the working directory. */
export const DEFAULT_DATA_DIR = "data";
/** The configuration file that is read without being named, below the working directory. */
export const DEFAULT_CONFIG_FILE = "parley.yaml";

/** Default limits. */
export const DEFAULT_LIMITS: Limits = {
  requestBytes: 8 * MIB,
  requestWithMediaBytes: 32 * MIB,
  jsonDepth: 64,
  headerBytes: 32 * KIB,
  upstreamEventBytes: 1 * MIB,
  upstreamResponseBytes: 32 * MIB,
  startupEvents: 64,
  startupBytes: 256 * KIB,
  streamBufferBytes: 256 * KIB,
  inFlightBytes: 256 * MIB,
  connections: 10_000,
  streamsPerConnection: 256,
};

/** Default times. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 3000,
  tlsMs: 5000,
  firstContentMs: 15_000,
  reasoningFirstContentMs: 120_000,
  progressMs: 15_000,
  totalMs: 900_000,
  retryAfterMaxMs: 30_000,
  keepAliveMs: 10_000,
  clientHeadersMs: 10_000,
  clientBodyMs: 60_000,
};

/** How long a stopping gateway still accepts, and how long running streams may take. */
export const DEFAULT_DRAIN: ServerConfig["drain"] = { acceptMs: 2000, graceMs: 600_000 };
