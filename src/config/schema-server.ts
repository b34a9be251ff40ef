import { DEFAULT_DRAIN, DEFAULT_HOST, DEFAULT_LIMITS, DEFAULT_PORT, DEFAULT_TIMEOUTS } from "./defaults.ts";
import { choice, duration, integer, size, text } from "./scalars.ts";
import { listOf, section } from "./section.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** Doors that may be opened to callers without a key. */
export const DOORS = ["metrics", "reflection"] as const;

function limitsSection() {
  const d = DEFAULT_LIMITS;
  return section({
    request: size("Largest request.", [KIB, GIB], d.requestBytes).optional(),
    request_with_media: size(
      "Largest request with images, audio or files.",
      [KIB, GIB],
      d.requestWithMediaBytes,
    ).optional(),
    json_depth: integer("Deepest nesting of JSON in a request.", 8, 1000, d.jsonDepth).optional(),
    headers: size("Largest head of a request.", [4 * KIB, MIB], d.headerBytes).optional(),
    upstream_event: size("Largest event of an upstream stream.", [KIB, 64 * MIB], d.upstreamEventBytes).optional(),
    upstream_response: size("Largest unary answer of an upstream.", [KIB, GIB], d.upstreamResponseBytes).optional(),
    startup_events: integer("Most events held back before content.", 1, 10_000, d.startupEvents).optional(),
    startup_buffer: size("Most bytes held back before content.", [KIB, 64 * MIB], d.startupBytes).optional(),
    stream_buffer: size("Most bytes buffered for a slow reader.", [16 * KIB, 64 * MIB], d.streamBufferBytes).optional(),
    in_flight: size("Bytes of all requests together.", [MIB, 1024 * GIB], d.inFlightBytes).optional(),
    connections: integer("Most client connections.", 1, 1_000_000, d.connections).optional(),
    streams_per_connection: integer(
      "Most requests at once on an HTTP/2 connection.",
      1,
      100_000,
      d.streamsPerConnection,
    ).optional(),
  }).describe("Limits, each enforced at the boundary it names.");
}

function timeoutsSection() {
  const d = DEFAULT_TIMEOUTS;
  const attempt = [1, HOUR] as const;
  return section({
    connect: duration("Until a connection to a provider stands.", attempt, d.connectMs).optional(),
    tls: duration("Until TLS with a provider stands.", attempt, d.tlsMs).optional(),
    first_content: duration("Streaming: until headers and first content.", attempt, d.firstContentMs).optional(),
    reasoning_first_content: duration(
      "The same for models that reason.",
      attempt,
      d.reasoningFirstContentMs,
    ).optional(),
    progress: duration("Streaming: between two content events.", attempt, d.progressMs).optional(),
    total: duration("Over all attempts, where the caller names no deadline.", [1, 24 * HOUR], d.totalMs).optional(),
    retry_after_max: duration(
      "Longest retry-after of a request's only target that is waited for; one that asks for more ends the request.",
      [0, HOUR],
      d.retryAfterMaxMs,
    ).optional(),
    keep_alive: duration("Silence after which a caller gets a keep-alive.", [100, HOUR], d.keepAliveMs).optional(),
    client_headers: duration("Until a client has sent its headers.", [100, HOUR], d.clientHeadersMs).optional(),
    client_body: duration("Until a client has sent its body.", [100, HOUR], d.clientBodyMs).optional(),
  }).describe("Times of one request.");
}

/** The section `server`: address, data folder, TLS, limits and times. */
export function serverSection() {
  const tls = section({
    cert: text("File of the certificate chain, PEM, relative to the configuration file."),
    key: text("File of the private key, PEM, relative to the configuration file."),
    client_ca: text(
      "File of the authority that client certificates must come from. Unset: none is asked for.",
    ).optional(),
  }).describe("Serve TLS. Unset: cleartext.");
  const drain = section({
    accept: duration("How long a stopping gateway still accepts.", [0, HOUR], DEFAULT_DRAIN.acceptMs).optional(),
    grace: duration("How long running streams may take.", [0, 24 * HOUR], DEFAULT_DRAIN.graceMs).optional(),
  }).describe("How the gateway stops.");
  return section(
    {
      host: text(`Address to listen on; --host and PARLEY_HOST win. Default: ${DEFAULT_HOST}.`).optional(),
      port: integer("Port; 0 is any free one. --port and PARLEY_PORT win.", 0, 65_535, DEFAULT_PORT).optional(),
      admin_host: text(
        `Address for administration alone, with admin_port; --admin-host wins. Default: ${DEFAULT_HOST}.`,
      ).optional(),
      admin_port: integer(
        "Port for administration alone; --admin-port wins. Unset: the main one.",
        0,
        65_535,
      ).optional(),
      data: text("Data folder, relative to the configuration file; --data and PARLEY_DATA win.").optional(),
      tls: tls.optional(),
      open: listOf(choice("A door.", DOORS), "Doors that need no key.", "a list of metrics and reflection").optional(),
      cors_origins: listOf(
        text("An origin, or *.", 'an origin such as "https://app.example.com", or "*"', /^(\*|https?:\/\/[^/\s?#@]+)$/),
        "Origins that browsers may call from.",
        "a list of origins",
      ).optional(),
      limits: limitsSection().optional(),
      timeouts: timeoutsSection().optional(),
      drain: drain.optional(),
      durability: choice(
        "os: the ledger trusts the operating system's cache. full: it is on the disk before each forward.",
        ["os", "full"],
        [],
        "os",
      ).optional(),
    },
    ["redis_url", "database_url"],
  ).describe("The listener, its limits and times.");
}
