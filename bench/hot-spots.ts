import { readFileSync } from "node:fs";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function, a file or a package with its share of the busy time, 0 to 1. */
export interface HotSpot {
  readonly name: string;
  readonly share: number;
}

const idle = "(idle)";

function shortenUrl(url: string): string {
  const fromModules = url.lastIndexOf("node_modules/");
  if (fromModules >= 0) return url.slice(fromModules + "node_modules/".length);
  const fromSource = url.lastIndexOf("/src/");
  return fromSource >= 0 ? url.slice(fromSource + 1) : url;
}

/** Where a function belongs: the folder under src, the package, `node`, or V8's own `(garbage collector)` and so on. */
function groupOf({ functionName, url }: ProfileNode["callFrame"]): string {
  const short = shortenUrl(url);
  if (short === "") return functionName.startsWith("(") ? functionName : "node (native)";
  if (short.startsWith("node:")) return short.split("/").slice(0, 2).join("/");
  const parts = short.split("/");
  return parts.slice(0, short.startsWith("src/") || short.startsWith("@") ? 2 : 1).join("/");
}

function rank(times: ReadonlyMap<string, number>, count: number): HotSpot[] {
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  const spots = [...times].map(([name, time]) => ({ name, share: time / total }));
  return spots.toSorted((a, b) => b.share - a.share).slice(0, count);
}

/** Reads a V8 CPU profile: self time by function and by folder or package, idle time left out. */
export function readHotSpots(file: string, count: number): { functions: HotSpot[]; groups: HotSpot[] } {
  const profile = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const groups = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const frame = nodes.get(id);
    const time = profile.timeDeltas[index] ?? 0;
    if (!frame || frame.functionName === idle) continue;
    const place = frame.url === "" ? "" : ` ${shortenUrl(frame.url)}:${frame.lineNumber + 1}`;
    const name = `${frame.functionName || "(anonymous)"}${place}`;
    functions.set(name, (functions.get(name) ?? 0) + time);
    const group = groupOf(frame);
    groups.set(group, (groups.get(group) ?? 0) + time);
  }
  return { functions: rank(functions, count), groups: rank(groups, count) };
}

/** The hot spots of a profile as lines for people. */
export function printHotSpots(file: string): string {
  const { functions, groups } = readHotSpots(file, 25);
  const line = ({ name, share }: HotSpot): string => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`;
  return ["Busy time by function", ...functions.map(line), "", "Busy time by place", ...groups.map(line), ""].join(
    "\n",
  );
}
