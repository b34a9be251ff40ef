import { create } from "@bufbuild/protobuf";
import { TokenLogprobSchema, type TokenLogprob } from "../contract/index.ts";

interface WireLogprob {
  readonly token?: unknown;
  readonly logprob?: unknown;
  readonly bytes?: unknown;
  readonly top_logprobs?: unknown;
}

/** Log probabilities of tokens; entries without a token or a figure are left out. */
export function tokenLogprobs(entries: unknown): TokenLogprob[] {
  return Array.isArray(entries) ? entries.flatMap((entry) => tokenLogprob(entry as WireLogprob | null)) : [];
}

function tokenLogprob(entry: WireLogprob | null): TokenLogprob[] {
  if (typeof entry?.token !== "string" || typeof entry.logprob !== "number") return [];
  return [
    create(TokenLogprobSchema, {
      token: entry.token,
      logprob: entry.logprob,
      ...(Array.isArray(entry.bytes) ? { bytes: Uint8Array.from(entry.bytes as number[]) } : {}),
      top: tokenLogprobs(entry.top_logprobs),
    }),
  ];
}
