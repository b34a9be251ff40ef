import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { UpstreamClient } from "./upstream.ts";

const TIMEOUT_MS = 5_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** The JSON at an address. Rejects with a `ParleyError` for whatever is not a plain 200: a redirect is never followed. */
export function fetchJson(upstream: UpstreamClient, runtime: Runtime, address: string): Promise<unknown> {
  const { origin, pathname, search } = new URL(address);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    const fail = (why: string): void => {
      timer.cancel();
      reject(new ParleyError("PROVIDER_UNREACHABLE", `Cannot read ${origin}${pathname}: ${why}`));
    };
    const timer = runtime.setTimer(TIMEOUT_MS, () => {
      call.abort();
      fail("it did not answer in time");
    });
    const request = {
      origin,
      path: pathname + search,
      method: "GET",
      headers: { accept: "application/json" },
      body: "",
    } as const;
    const call = upstream.dispatch(request, {
      onHeaders: (code) => (status = code),
      onData(chunk) {
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER_BYTES) chunks.push(Buffer.from(chunk));
      },
      onEnd() {
        if (status !== 200) return fail(`it answered ${status}`);
        if (bytes > MAX_ANSWER_BYTES) return fail(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
        try {
          const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"));
          timer.cancel();
          resolve(value);
        } catch {
          fail("its answer is not JSON");
        }
      },
      onError: (error) => fail(error.message),
    });
  });
}
