import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** Until when a request waits for its authorisation. */
export interface AuthoriseOptions {
  readonly runtime: Runtime;
  /** Aborts when the caller has left or the gateway ends the request, with a `ParleyError` as its reason. */
  readonly signal: AbortSignal;
  readonly remainingMs: number;
  /** Whether the caller, and not the gateway, set the deadline after which nobody waits. */
  readonly deadlineIsCallers: boolean;
}

/**
 * The call with the headers that authorise it, which may have to be fetched first. Others may wait for the same headers:
 * who stops waiting does not stop the fetching. Rejects with a typed error.
 */
export function authorise(prepared: PreparedCall, options: AuthoriseOptions): Promise<PreparedCall> {
  const { runtime, signal, remainingMs, deadlineIsCallers } = options;
  const { authorise: fetchHeaders, http } = prepared;
  if (!fetchHeaders) return Promise.resolve(prepared);
  return new Promise((resolve, reject) => {
    const giveUp = (): void => end(() => reject(ParleyError.from(signal.reason)));
    const timer = runtime.setTimer(remainingMs, () => {
      const message = "Cannot authorise the call to the provider: no access token came before the request's deadline";
      end(() => reject(new ParleyError(deadlineIsCallers ? "DEADLINE_EXCEEDED" : "PROVIDER_TIMEOUT", message)));
    });
    const end = (step: () => void): void => {
      timer.cancel();
      signal.removeEventListener("abort", giveUp);
      step();
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    fetchHeaders().then(
      (headers) => end(() => resolve({ ...prepared, http: { ...http, headers: { ...http.headers, ...headers } } })),
      (error: unknown) => end(() => reject(ParleyError.from(error))),
    );
  });
}
