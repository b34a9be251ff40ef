import type { ConnectRouter } from "@connectrpc/connect";
import { ParleyError } from "../../errors/index.ts";
import type { Readiness, ReadinessState } from "../readiness.ts";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../contract/grpc.ts";
import { streamRpc, unaryRpc, type RpcCall } from "./rpc.ts";

// Anybody may watch, without a key: so there is a bound.
const MAX_WATCHERS = 100;

/** `grpc.health.v1.Health`: the whole gateway by the empty name, and each of its services. */
export function registerHealth(router: ConnectRouter, readiness: Readiness, services: readonly string[]): void {
  const known = new Set(["", ...services]);
  let watchers = 0;
  unaryRpc(router, Health.method.check, async (message) => {
    if (known.has(message.service)) return { status: statusOf(readiness.state) };
    throw new ParleyError(
      "NOT_FOUND",
      "Cannot tell the health: there is no such service; list services by reflection",
      {
        field: "service",
      },
    );
  });
  unaryRpc(router, Health.method.list, async () => ({
    statuses: Object.fromEntries([...known].map((name) => [name, { status: statusOf(readiness.state) }])),
  }));
  streamRpc(router, Health.method.watch, async function* (message, call) {
    if (watchers >= MAX_WATCHERS) {
      throw new ParleyError(
        "GATEWAY_OVERLOADED",
        `Cannot watch the health: ${MAX_WATCHERS} watch it already; use Check`,
      );
    }
    watchers += 1;
    try {
      yield* watch(readiness, known.has(message.service), call);
    } finally {
      watchers -= 1;
    }
  });
}

async function* watch(
  readiness: Readiness,
  isKnown: boolean,
  call: RpcCall,
): AsyncGenerator<{ status: ServingStatus }> {
  let told: ServingStatus | undefined;
  for (;;) {
    const state = readiness.state;
    const status = isKnown ? statusOf(state) : ServingStatus.SERVICE_UNKNOWN;
    const changed = nextChange(readiness, state, call.signal);
    if (status !== told) yield { status };
    told = status;
    if (state === "draining")
      throw new ParleyError("DRAINING", "Cannot watch the health any longer: the gateway is shutting down");
    await changed;
    if (call.signal.aborted) return;
  }
}

// Subscribed before the status is sent, so that a change while it is on its way is not missed.
function nextChange(readiness: Readiness, seen: ReadinessState, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const unsubscribe = readiness.subscribe(done);
    signal.addEventListener("abort", done);
    if (signal.aborted || readiness.state !== seen) done();
  });
}

function statusOf(state: ReadinessState): ServingStatus {
  return state === "ready" ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}
