import { ParleyError } from "../../errors/index.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { credentialsOf, pathOf, type AnyRequest, type AnyResponse } from "../exchange.ts";
import type { Gateway } from "../gateway.ts";
import { sendPlainError } from "../plain-error.ts";
import type { Readiness } from "../readiness.ts";
import { CONSOLE_FILES } from "./console-files.ts";

/** What the operator's doors need. */
export interface OpsSurfaceOptions {
  readonly gateway: Pick<Gateway, "authenticate" | "newRequestId" | "newErrorId">;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  /** Doors that need no key; `metrics` is the one that counts here. */
  readonly open: readonly string[];
  /** Version of the gateway, as the front page shows it. */
  readonly version: string;
}

interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

type Door = (request: AnyRequest) => Page | Promise<Page>;

/**
 * Serves `/`, `/healthz`, `/readyz`, `/metrics` and `/console/`. The returned handler answers false where the path is
 * none of them.
 */
export function createOpsSurface(options: OpsSurfaceOptions): (request: AnyRequest, response: AnyResponse) => boolean {
  const doors = createDoors(options);
  return (request, response) => {
    const door = doors.get(pathOf(request));
    if (!door) return false;
    const requestId = options.gateway.newRequestId();
    const refuse = (thrown: unknown): void => {
      const status = response.hasHeader("allow") ? 405 : undefined;
      sendPlainError(response, ParleyError.from(thrown), { requestId, errorId: options.gateway.newErrorId() }, status);
    };
    try {
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.setHeader("allow", "GET, HEAD");
        throw new ParleyError("INVALID_REQUEST", "Cannot answer: this path only takes GET");
      }
      const answer = door(request);
      if (answer instanceof Promise) answer.then((found) => send(request, response, requestId, found)).catch(refuse);
      else send(request, response, requestId, answer);
    } catch (thrown) {
      refuse(thrown);
    }
    return true;
  };
}

function createDoors(options: OpsSurfaceOptions): ReadonlyMap<string, Door> {
  const { readiness, metrics, gateway } = options;
  const doors = new Map<string, Door>([
    ["/", (request) => frontPage(request, options.version)],
    ["/healthz", () => json(200, { status: "ok" })],
    ["/readyz", () => json(readiness.state === "ready" ? 200 : 503, { status: readiness.state })],
    [
      "/metrics",
      (request) => {
        const metricsPage = (): Page => page(200, "text/plain; version=0.0.4; charset=utf-8", metrics.render());
        if (options.open.includes("metrics")) return metricsPage();
        const caller = gateway.authenticate(credentialsOf(request), undefined);
        return caller instanceof Promise ? caller.then(metricsPage) : metricsPage();
      },
    ],
    ["/console", () => redirect("/console/")],
  ]);
  // A fixed table of files: no path of a request ever reaches the file system.
  for (const [name, file] of CONSOLE_FILES) {
    doors.set(`/console/${name}`, () => ({ status: 200, headers: file.headers, body: file.body }));
  }
  return doors;
}

function frontPage(request: AnyRequest, version: string): Page {
  if (request.headers.accept?.includes("text/html")) return redirect("/console/");
  const links = {
    openai: "/v1/",
    connect: "/parley.v1.ChatService/",
    console: "/console/",
    health: "/healthz",
    ready: "/readyz",
    metrics: "/metrics",
  };
  const answer = json(200, { name: "parley", version, links });
  return { ...answer, headers: { ...answer.headers, vary: "Accept" } };
}

function json(status: number, value: unknown): Page {
  return page(status, "application/json", JSON.stringify(value));
}

function page(status: number, contentType: string, body: string): Page {
  return {
    status,
    headers: { "content-type": contentType, "cache-control": "no-store", "x-content-type-options": "nosniff" },
    body,
  };
}

function redirect(location: string): Page {
  return { status: 302, headers: { location, "cache-control": "no-store", vary: "Accept" }, body: "" };
}

function send(request: AnyRequest, response: AnyResponse, requestId: string, { status, headers, body }: Page): void {
  response.statusCode = status;
  response.setHeader("x-request-id", requestId);
  // Added to what the listener may have set for browsers.
  for (const [name, value] of Object.entries(headers)) {
    if (name === "vary") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  response.setHeader("content-length", Buffer.byteLength(body));
  if (request.method === "HEAD") response.end();
  else response.end(body);
}
