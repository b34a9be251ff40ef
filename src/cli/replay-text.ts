import { ParleyError, reasonName } from "../errors/index.ts";
import { usdText } from "./models-command.ts";
import type { Replayed } from "./replay.ts";

/** What a replay has shown, for people: how many requests go elsewhere, where, and what all would cost. */
export function replayText(results: readonly Replayed[]): string {
  const moved = results.filter((one) => !(one.to instanceof ParleyError) && one.to !== one.from);
  const refused = results.filter((one) => one.to instanceof ParleyError && one.from !== undefined);
  const times = results.map((one) => one.at).toSorted();
  const lines = [
    `${results.length} decisions from ${times[0]} to ${times.at(-1)}`,
    `  ${results.length - moved.length - refused.length} as recorded, ${moved.length} elsewhere, ${refused.length} refused`,
    ...group("Elsewhere", moved, (one) => `${one.model}: ${one.from ?? "refused"} -> ${String(one.to)}`),
    ...group("Refused", refused, (one) => `${one.model}: ${one.from} -> ${refusalText(one.to)}`),
    "",
    costText(results),
  ];
  return `${lines.join("\n")}\n`;
}

const refusalText = (to: Replayed["to"]): string =>
  to instanceof ParleyError ? `${reasonName(to.reason)}, ${to.message}` : to;

function group(title: string, results: readonly Replayed[], nameOf: (one: Replayed) => string): string[] {
  if (results.length === 0) return [];
  const groups = Map.groupBy(results, nameOf);
  const rows = [...groups].toSorted(([, a], [, b]) => b.length - a.length);
  const width = String(rows[0]?.[1].length ?? 0).length;
  return ["", title, ...rows.map(([name, of]) => `  ${String(of.length).padStart(width)}  ${name}${priceText(of)}`)];
}

function priceText(results: readonly Replayed[]): string {
  const priced = results.filter((one) => one.costNanoUsd !== undefined && one.newCostNanoUsd !== undefined);
  if (priced.length === 0) return "";
  return `, ${usdText(sum(priced, "costNanoUsd"))} -> ${usdText(sum(priced, "newCostNanoUsd"))}`;
}

// Only what has both prices can be compared; the rest is said to be left out.
function costText(results: readonly Replayed[]): string {
  const answered = results.filter((one) => one.answered);
  const priced = answered.filter((one) => one.costNanoUsd !== undefined && one.newCostNanoUsd !== undefined);
  const left = answered.length - priced.length;
  const rest = left > 0 ? `; ${left} more are refused or have no price on one side` : "";
  return `Cost of ${priced.length} answers: ${usdText(sum(priced, "costNanoUsd"))} recorded, ${usdText(sum(priced, "newCostNanoUsd"))} replayed${rest}`;
}

function sum(results: readonly Replayed[], name: "costNanoUsd" | "newCostNanoUsd"): bigint {
  return results.reduce((total, one) => total + (one[name] ?? 0n), 0n);
}
