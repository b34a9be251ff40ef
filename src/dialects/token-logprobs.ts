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
  return listed(entries).flatMap((entry) => tokenLogprob(entry, alternatives(entry)));
}

// They have no alternatives of their own: what a provider nests any deeper, no reader of messages would follow.
function alternatives(entry: WireLogprob | null): TokenLogprob[] {
  return listed(entry?.top_logprobs).flatMap((one) => tokenLogprob(one, []));
}

function listed(entries: unknown): readonly (WireLogprob | null)[] {
  return Array.isArray(entries) ? (entries as (WireLogprob | null)[]) : [];
}

function tokenLogprob(entry: WireLogprob | null, top: TokenLogprob[]): TokenLogprob[] {
  if (typeof entry?.token !== "string" || typeof entry.logprob !== "number") return [];
  return [
    create(TokenLogprobSchema, {
      token: entry.token,
      logprob: entry.logprob,
      ...(Array.isArray(entry.bytes) ? { bytes: Uint8Array.from(entry.bytes as number[]) } : {}),
      top,
    }),
  ];
}
