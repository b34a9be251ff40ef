import { readFileSync } from "node:fs";

interface ProfileNode {
  readonly id: number;
  readonly children?: readonly number[];
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
function placeOf({ functionName, url }: ProfileNode["callFrame"]): string {
  const short = shortenUrl(url);
  if (short === "") return functionName.startsWith("(") ? functionName : "node (native)";
  if (short.startsWith("node:")) return short.split("/").slice(0, 2).join("/");
  const parts = short.split("/");
  return parts.slice(0, short.startsWith("src/") || short.startsWith("@") ? 2 : 1).join("/");
}

type Times = Map<string, number>;

function addTime(times: Times, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}

function nameOf({ functionName, url, lineNumber }: ProfileNode["callFrame"]): string {
  const place = url === "" ? "" : ` ${shortenUrl(url)}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}${place}`;
}

function rank(times: Times, busyTime: number, count: number): HotSpot[] {
  const spots = [...times].map(([name, time]) => ({ name, share: time / busyTime }));
  return spots.toSorted((a, b) => b.share - a.share).slice(0, count);
}

/** The hot spots of a profile, the dearest first. */
export interface HotSpots {
  /** Time in a function itself. */
  readonly functions: HotSpot[];
  /** The same added up by folder of ours, package, or module of Node. */
  readonly places: HotSpot[];
  /** Time in our own functions with all that they call. */
  readonly whole: HotSpot[];
}

/** Reads a V8 CPU profile. Idle time is left out, and so is the first half, in which code is loaded and compiled. */
export function readHotSpots(file: string, count: number): HotSpots {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)));
  const [functions, places, whole]: [Times, Times, Times] = [new Map(), new Map(), new Map()];
  let busyTime = 0;
  for (let index = samples.length >> 1; index < samples.length; index++) {
    const node = byId.get(samples[index] ?? 0);
    const time = timeDeltas[index] ?? 0;
    if (!node || node.callFrame.functionName === idle) continue;
    busyTime += time;
    addTime(functions, nameOf(node.callFrame), time);
    addTime(places, placeOf(node.callFrame), time);
    for (const name of ownCallers(node.id, byId, parents)) addTime(whole, name, time);
  }
  const [top, all] = [(times: Times) => rank(times, busyTime, count), rank(whole, busyTime, count * 2)];
  return { functions: top(functions), places: top(places), whole: all };
}

/** Our own functions on the stack, each once however often it calls itself. */
function ownCallers(id: number, byId: ReadonlyMap<number, ProfileNode>, parents: ReadonlyMap<number, number>) {
  const names = new Set<string>();
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = byId.get(at)?.callFrame;
    if (frame && shortenUrl(frame.url).startsWith("src/")) names.add(nameOf(frame));
  }
  return names;
}

/** The hot spots of a profile as lines for people. */
export function printHotSpots(file: string): string {
  const { functions, places, whole } = readHotSpots(file, 25);
  const line = ({ name, share }: HotSpot): string => `  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`;
  return [
    "Busy time in each function itself",
    ...functions.map(line),
    "",
    "The same by place",
    ...places.map(line),
    "",
    "Busy time in our own functions with all that they call",
    ...whole.map(line),
    "",
  ].join("\n");
}
