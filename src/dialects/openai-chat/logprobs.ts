import { create } from "@bufbuild/protobuf";
import { TokenLogprobSchema, type TokenLogprob } from "../../contract/index.ts";
import type { LogprobEntry, Nullable } from "./wire.ts";

/** Log probabilities of tokens; entries without a token or a figure are left out. */
export function tokenLogprobs(entries: Nullable<readonly LogprobEntry[]>): TokenLogprob[] {
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => tokenLogprob(entry as LogprobEntry));
}

function tokenLogprob(entry: LogprobEntry): TokenLogprob[] {
  if (typeof entry?.token !== "string" || typeof entry.logprob !== "number") return [];
  return [
    create(TokenLogprobSchema, {
      token: entry.token,
      logprob: entry.logprob,
      ...(Array.isArray(entry.bytes) ? { bytes: Uint8Array.from(entry.bytes) } : {}),
      top: tokenLogprobs(entry.top_logprobs),
    }),
  ];
}
