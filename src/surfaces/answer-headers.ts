import type { Adaptation, ChatResponse, Origin } from "../contract/index.ts";

const MAX_HEADER_CHARS = 1024;
const NANO_PER_USD = 1_000_000_000n;

/** Headers that say who answers: all that is known of a stream before its first event leaves. */
export function originHeaders(origin: Origin | undefined, adaptations: readonly Adaptation[]): Record<string, string> {
  const headers: Record<string, string> = {};
  if (origin) {
    headers["x-parley-provider"] = headerText(origin.provider);
    headers["x-parley-model"] = headerText(`${origin.provider}/${origin.model}`);
    if (origin.region !== undefined) headers["x-parley-region"] = headerText(origin.region);
  }
  if (adaptations.length > 0) {
    headers["x-parley-adaptations"] = headerText(adaptations.map((adaptation) => adaptation.field).join(","));
  }
  return headers;
}

/** Headers of a whole answer. */
export function answerHeaders(response: ChatResponse): Record<string, string> {
  const headers = originHeaders(response.origin, response.adaptations);
  headers["x-parley-attempts"] = String(response.attempts.length);
  if (response.cost?.nanoUsd !== undefined) headers["x-parley-cost-usd"] = usdText(response.cost.nanoUsd);
  return headers;
}

/** Nano-USD as a decimal number of dollars without trailing zeros, for example `0.00042`. */
export function usdText(nanoUsd: bigint): string {
  const fraction = (nanoUsd % NANO_PER_USD).toString().padStart(9, "0").replace(/0+$/, "");
  return `${nanoUsd / NANO_PER_USD}${fraction === "" ? "" : `.${fraction}`}`;
}

/** What a header may carry of a text: at most 1 KiB, printable ASCII, anything else a question mark. */
export function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_HEADER_CHARS);
}
