import { create } from "@bufbuild/protobuf";
import { TokenLogprobSchema, type TokenLogprob } from "../../contract/index.ts";
import type { LogprobEntry, LogprobsResult, Nullable } from "./wire.ts";

/** Log probabilities of tokens; entries without a token or a figure are left out. */
export function tokenLogprobs(result: Nullable<LogprobsResult>): TokenLogprob[] {
  const { chosenCandidates: chosen, topCandidates: top } = result ?? {};
  if (!Array.isArray(chosen)) return [];
  return (chosen as LogprobEntry[]).flatMap((entry, place) => {
    const likeliest = Array.isArray(top) ? (top[place] as (typeof top)[number] | undefined)?.candidates : undefined;
    return tokenLogprob(entry, Array.isArray(likeliest) ? (likeliest as LogprobEntry[]) : []);
  });
}

function tokenLogprob(entry: LogprobEntry, likeliest: readonly LogprobEntry[]): TokenLogprob[] {
  if (typeof entry?.token !== "string" || typeof entry.logProbability !== "number") return [];
  const top = likeliest.flatMap((other) => tokenLogprob(other, []));
  return [create(TokenLogprobSchema, { token: entry.token, logprob: entry.logProbability, top })];
}
