import type { AnyRequest, AnyResponse } from "./exchange.ts";

const EXPOSED_HEADERS = [
  "x-request-id",
  "x-client-request-id",
  "x-parley-provider",
  "x-parley-model",
  "x-parley-region",
  "x-parley-attempts",
  "x-parley-cost-usd",
  "x-parley-adaptations",
  "x-should-retry",
  "retry-after",
  "retry-after-ms",
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-reset-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-tokens",
  // Connect and gRPC-Web: https://connectrpc.com/docs/cors
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "content-encoding",
  "connect-content-encoding",
].join(", ");

const MAX_AGE_SECONDS = "7200";
const MAX_REQUESTED_CHARS = 2048;
const HEADER_LIST = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;

/** Lets browsers of the configured origins in. Keys travel in a header and never in cookies, so credentials are never allowed. */
export class Cors {
  readonly #any: boolean;
  readonly #origins: ReadonlySet<string>;

  readonly #newRequestId: () => string;

  constructor(origins: readonly string[], newRequestId: () => string) {
    this.#newRequestId = newRequestId;
    this.#any = origins.includes("*");
    this.#origins = new Set(origins);
  }

  /** Sets the headers for a browser, and answers a preflight. Returns true when the request is answered. */
  handle(request: AnyRequest, response: AnyResponse): boolean {
    if (this.#origins.size === 0) return false;
    // The answer depends on the origin, also for caches that saw a request without one.
    if (!this.#any) response.setHeader("vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const allowed = this.#any || this.#origins.has(origin);
    if (allowed) {
      response.setHeader("access-control-allow-origin", this.#any ? "*" : origin);
      response.setHeader("access-control-expose-headers", EXPOSED_HEADERS);
    }
    const method = request.headers["access-control-request-method"];
    if (request.method !== "OPTIONS" || method === undefined) return false;
    if (allowed) allowPreflight(request, response);
    response.setHeader("x-request-id", this.#newRequestId());
    response.statusCode = allowed ? 204 : 403;
    response.end();
    return true;
  }
}

// Clients bring headers of their own (versions, retry counts), and a header's name gives no right: keys do. So an origin
// that is let in may send what it asks for.
function allowPreflight(request: AnyRequest, response: AnyResponse): void {
  response.setHeader("access-control-allow-methods", "GET, POST");
  response.setHeader("access-control-max-age", MAX_AGE_SECONDS);
  const requested = request.headers["access-control-request-headers"];
  if (requested === undefined || requested.length > MAX_REQUESTED_CHARS || !HEADER_LIST.test(requested)) return;
  response.setHeader("access-control-allow-headers", requested);
  response.appendHeader("vary", "Access-Control-Request-Headers");
}
