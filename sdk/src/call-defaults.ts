import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { DEFAULT_TIMEOUT_MS, checkKey, checkTimeout, type ApiKey, type HeadersSource } from "./options.ts";

/** What every call of a client has in common. */
export interface CallDefaults {
  readonly apiKey?: ApiKey | undefined;
  readonly timeoutMs?: number | undefined;
  readonly headers?: HeadersSource;
}

/**
 * A transport whose calls carry the client's key, headers and budget. It stands around the transport, not in it, so that
 * it is the same for every protocol, for a caller's own transport and for the generated clients. The budget starts with
 * the call: the time that a key takes to come is a part of it.
 */
export function withCallDefaults(transport: Transport, defaults: CallDefaults): Transport {
  return {
    async unary(method, signal, timeoutMs, header: HeadersSource, input, contextValues) {
      const { headers, remainingMs } = await prepare(defaults, signal, timeoutMs, header);
      return transport.unary(method, signal, remainingMs, headers, input, contextValues);
    },
    async stream(method, signal, timeoutMs, header: HeadersSource, input, contextValues) {
      const { headers, remainingMs } = await prepare(defaults, signal, timeoutMs, header);
      return transport.stream(method, signal, remainingMs, headers, input, contextValues);
    },
  };
}

async function prepare(
  defaults: CallDefaults,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  header: HeadersSource,
): Promise<{ headers: Headers; remainingMs: number }> {
  const budgetMs = timeoutMs ?? defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  checkTimeout(budgetMs);
  const headers = new Headers(defaults.headers);
  const startedAt = performance.now();
  const { apiKey } = defaults;
  if (apiKey !== undefined) {
    const key = typeof apiKey === "string" ? apiKey : await within(budgetMs, signal, apiKey);
    headers.set("authorization", `Bearer ${key}`);
  }
  new Headers(header).forEach((value, name) => headers.set(name, value));
  const remainingMs = Math.floor(budgetMs - (performance.now() - startedAt));
  if (remainingMs < 1) throw deadlineError();
  return { headers, remainingMs };
}

// A key that never comes must not outlive the call that waits for it.
async function within(budgetMs: number, signal: AbortSignal | undefined, apiKey: () => unknown): Promise<string> {
  if (signal?.aborted) throw cancelError(signal);
  const ended = new AbortController();
  const gaveUp = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(deadlineError()), budgetMs);
    ended.signal.addEventListener("abort", () => clearTimeout(timer));
    signal?.addEventListener("abort", () => reject(cancelError(signal)), { signal: ended.signal });
  });
  try {
    const key = await Promise.race([Promise.resolve().then(apiKey), gaveUp]);
    checkKey(key);
    return key;
  } catch (thrown) {
    if (thrown instanceof ConnectError) throw thrown;
    const message = thrown instanceof TypeError ? thrown.message : "the apiKey function failed";
    throw new ConnectError(message, Code.Unauthenticated, undefined, undefined, thrown);
  } finally {
    ended.abort(undefined);
  }
}

function deadlineError(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}

function cancelError(signal: AbortSignal): ConnectError {
  return ConnectError.from(signal.reason, Code.Canceled);
}
