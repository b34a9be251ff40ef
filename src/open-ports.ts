import type { Config } from "./config/config.ts";
import { ParleyError } from "./errors/index.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { LiveRequests } from "./pipeline/chat.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { createConnectSurface } from "./surfaces/connect/surface.ts";
import type { Gateway } from "./surfaces/gateway.ts";
import type { InFlightBudget } from "./surfaces/in-flight-budget.ts";
import type { ListenOptions } from "./surfaces/listen-options.ts";
import { listen, type Listener } from "./surfaces/listener.ts";
import { createOpenAiSurface } from "./surfaces/openai/surface.ts";
import { createOpsSurface } from "./surfaces/ops/surface.ts";
import { sendPlainError } from "./surfaces/plain-error.ts";
import type { Readiness } from "./surfaces/readiness.ts";

/** What ports are opened with. */
export interface PortOptions {
  readonly loaded: { readonly config: Config };
  readonly runtime: Runtime;
  readonly log: Log;
  readonly version: string;
}

/** What every surface on them shares. */
export interface PortParts {
  readonly gateway: Gateway;
  readonly readiness: Readiness;
  readonly metrics: Metrics;
  readonly requests: LiveRequests;
  readonly budget: InFlightBudget;
}

/** The ports that are being served. */
export interface Ports {
  readonly port: number;
  /** Port of administration, where it has one of its own. */
  readonly adminPort: number | undefined;
  /** Goes out of service; called again, goes straight to the end of the grace. Resolves when the ports are closed. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the one port with every surface on it, or two where administration has its own. */
export async function openPorts(options: PortOptions, parts: PortParts): Promise<Ports> {
  const { admin } = options.loaded.config.server;
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => void (await Promise.all(listeners.map((one) => one.close())));
  const main = await listen(mainPort(options, parts));
  listeners.push(main);
  try {
    if (admin) listeners.push(await listen(adminPort(options, parts, admin)));
  } catch (thrown) {
    await close();
    throw thrown;
  }
  return {
    port: main.port,
    adminPort: listeners[1]?.port,
    close,
    async drain() {
      for (const one of listeners) if (one.draining) one.hasten();
      await Promise.all(listeners.map((one) => one.drain()));
    },
  };
}

function common({ loaded, runtime, log }: PortOptions, { readiness }: PortParts) {
  const { limits, timeouts, tls, drain, corsOrigins } = loaded.config.server;
  return { limits, timeouts, tls, drain, corsOrigins, runtime, log, readiness };
}

function mainPort(options: PortOptions, parts: PortParts): ListenOptions {
  const { server } = options.loaded.config;
  const { open } = server;
  const shared = { ...common(options, parts), gateway: parts.gateway, budget: parts.budget, open };
  return {
    ...common(options, parts),
    host: server.host,
    port: server.port,
    metrics: parts.metrics,
    handlers: {
      openai: createOpenAiSurface(shared),
      connect: createConnectSurface({ ...shared, serves: server.admin ? "no administration" : "all" }),
      ops: createOpsSurface({ ...parts, open, version: options.version }),
    },
    onGraceExpired: () =>
      parts.requests.stopAll(
        new ParleyError(
          "DRAINING",
          "Cannot finish the answer: the gateway is shutting down and its grace period is over",
        ),
      ),
  };
}

function adminPort(
  options: PortOptions,
  parts: PortParts,
  { host, port }: { readonly host: string; readonly port: number },
): ListenOptions {
  const { gateway, budget } = parts;
  const { open } = options.loaded.config.server;
  return {
    ...common(options, parts),
    host,
    port,
    handlers: {
      openai(request, response) {
        const ids = { requestId: gateway.newRequestId(), errorId: gateway.newErrorId() };
        sendPlainError(
          response,
          new ParleyError("NOT_FOUND", "Cannot find this path here: it is on the main port"),
          ids,
        );
        request.resume();
      },
      connect: createConnectSurface({ ...common(options, parts), gateway, budget, open, serves: "administration" }),
      ops: createOpsSurface({ ...parts, open, version: options.version }),
    },
  };
}
