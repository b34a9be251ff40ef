import type { ChatRequest, Decision, Trace } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { Principal } from "../policy/principal.ts";
import type { TraceStore } from "../store/trace-store.ts";

/** Where requests go, as one caller may know it. */
export interface ExplainService {
  /** Where a chat request would go now. Calls no provider. Throws what the request itself gets before it has targets. */
  explain(principal: Principal, request: ChatRequest): Decision;
  /** What became of an earlier request. Throws `NOT_FOUND`, also where the request is another key's. */
  trace(principal: Principal, requestId: string): Trace;
}

/** What the service asks of its surroundings. */
export interface ExplainPorts {
  readonly decide: (principal: Principal, request: ChatRequest) => Decision;
  readonly traces: TraceStore;
  readonly monotonicMs: () => number;
}

/** The service over the decisions of the pipeline and the traces it has left. */
export function createExplainService({ decide, traces, monotonicMs }: ExplainPorts): ExplainService {
  return {
    explain: decide,
    trace(principal, requestId) {
      const kept = traces.get(requestId);
      // Whether a request of somebody else exists is none of the caller's business either.
      if (kept && (kept.keyId === principal.keyId || principal.role === "admin")) {
        return kept.trace.describe(monotonicMs());
      }
      throw new ParleyError(
        "NOT_FOUND",
        "Cannot find the trace: no request of this key has this id, or it is too long ago",
        { field: "request_id" },
      );
    },
  };
}
