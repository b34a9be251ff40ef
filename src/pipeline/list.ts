import { ParleyError } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";
import type { ChatParts } from "./parts.ts";

const MAX_ERROR_BYTES = 64 * 1024;

/** Makes a call of which only matters whether it is answered well. Rejects with what the provider's error is, typed. */
export function list(
  { runtime, upstream }: Pick<ChatParts, "runtime" | "upstream">,
  { http, dialect, target }: PreparedCall,
  withinMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let status = 0;
    let headers: Readonly<Record<string, string>> = {};
    let bytes = 0;
    const chunks: Buffer[] = [];
    const timer = runtime.setTimer(withinMs, () => {
      call.abort();
      reject(new ParleyError("PROVIDER_TIMEOUT", "Cannot list the provider's models: it did not answer in time"));
    });
    const call = upstream.dispatch(http, {
      onHeaders: (code, all) => ([status, headers] = [code, all]),
      onData(chunk) {
        bytes += chunk.length;
        if (status > 299 && bytes <= MAX_ERROR_BYTES) chunks.push(chunk);
      },
      onEnd() {
        timer.cancel();
        if (status >= 200 && status <= 299) return resolve();
        const body = Buffer.concat(chunks).toString("utf8");
        reject(dialect.decodeError({ status, headers, body, nowMs: runtime.nowMs() }, target));
      },
      onError(error) {
        timer.cancel();
        reject(error);
      },
    });
  });
}
