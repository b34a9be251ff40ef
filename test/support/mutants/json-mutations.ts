import { eventsOf, isStream, streamOf, type Mutation } from "./answer.ts";
import type { Dice } from "./dice.ts";

// Mutations within a JSON value: of a whole body, or of the data of one event.

type Holder = Record<string, unknown> | unknown[];

/** A value inside a JSON value. */
interface Place {
  readonly holder: Holder;
  readonly key: string;
}

/** Texts that stand where JSON cannot be made by `JSON.stringify`, by their stand-ins. */
type RawTexts = Map<string, string>;

type Change = (place: Place, dice: Dice, raw: RawTexts, all: readonly Place[]) => void;

const MAX_DEPTH = 40;

function valueAt({ holder, key }: Place): unknown {
  return (holder as Record<string, unknown>)[key];
}

function set({ holder, key }: Place, value: unknown): void {
  (holder as Record<string, unknown>)[key] = value;
}

function remove({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function placesOf(value: unknown, depth = 0, found: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return found;
  for (const [key, item] of Object.entries(value)) {
    found.push({ holder: value as Holder, key });
    placesOf(item, depth + 1, found);
  }
  return found;
}

function setRaw(place: Place, raw: RawTexts, text: string): void {
  const standIn = `@@raw-${raw.size}@@`;
  raw.set(JSON.stringify(standIn), text);
  set(place, standIn);
}

const WRONG_VALUES: readonly unknown[] = ["", "x", "null", 0, 7, true, false, [], {}, [null], [[]], [{}], { a: 1 }];
const NUMBERS =
  "-1 -0 1.5 1e308 1e400 -1e400 2147483648 4294967296 9007199254740993 18446744073709551616 1e-7 NaN 0x10".split(" ");
const TEXTS = String.raw`
  "\ud800" "\udc00\ud800" "\u0000" "\u2028" "\ufeff" "data:x\n\ndata:y" "</script>" "%s" "[DONE]" "{\"" "\u0085"
  "stop" "tool_calls" "end_turn" "STOP" "text" "completed" "message" "error" "0" "-1" "400" "1e3" " "
`
  .trim()
  .split(/\s+(?=")/);
const KEYS = ["", ..."__proto__ constructor toString index type error content text id data code status".split(" ")];
// The largest of each are beyond every limit, and take their time.
const DEPTHS = [70, 2_000, 60_000];
const LENGTHS = [10_000, 300_000, 1_200_000];
const LARGE_SHARE = 0.1;

function sizeOf(sizes: readonly number[], dice: Dice): number {
  return dice.chance(LARGE_SHARE) ? dice.pick(sizes) : (sizes[0] ?? 0);
}

const CHANGES: Readonly<Record<string, Change>> = {
  removed: remove,
  "made null": (place) => set(place, null),
  "of another type": (place, dice) => set(place, structuredClone(dice.pick(WRONG_VALUES))),
  "an odd number": (place, dice, raw) => setRaw(place, raw, dice.pick(NUMBERS)),
  "an odd text": (place, dice, raw) => setRaw(place, raw, dice.pick(TEXTS)),
  "a long text": (place, dice) => set(place, "x".repeat(sizeOf(LENGTHS, dice))),
  "deeply nested": (place, dice, raw) => {
    const depth = sizeOf(DEPTHS, dice);
    const [open, close] = dice.chance(0.5) ? ["[", "]"] : ['{"a":', "}"];
    setRaw(place, raw, `${open.repeat(depth)}1${close.repeat(depth)}`);
  },
  "put into a list": (place) => set(place, [valueAt(place)]),
  "put into an object": (place, dice) => set(place, { [dice.pick(KEYS)]: valueAt(place) }),
  renamed: (place, dice) => {
    const value = valueAt(place);
    remove(place);
    set({ ...place, key: dice.pick(KEYS) }, value);
  },
  doubled: (place, _dice, raw) => {
    if (Array.isArray(place.holder)) place.holder.push(structuredClone(valueAt(place)));
    else setRaw(place, raw, `${JSON.stringify(valueAt(place))},${JSON.stringify(place.key)}:null`);
  },
  "another place's value": (place, dice, _raw, all) => set(place, structuredClone(valueAt(dice.pick(all)))),
  "with a member more": ({ holder }, dice) => {
    if (!Array.isArray(holder)) holder[dice.pick(KEYS)] ??= structuredClone(dice.pick(WRONG_VALUES));
    else holder.push(structuredClone(dice.pick(WRONG_VALUES)));
  },
  "its number moved": (place, dice) => {
    const value = valueAt(place);
    if (typeof value === "number") set(place, value + dice.pick([-1, 1, 2, 100, 1_000_000]));
    else remove(place);
  },
};

/** Changes one value inside of a JSON text; the text itself where it is not JSON. */
function changedJson(text: string, change: Change, dice: Dice): string {
  try {
    // Within a list of its own, the value itself can be changed, too.
    const root = [JSON.parse(text) as unknown];
    const all = placesOf(root);
    const raw: RawTexts = new Map();
    change(dice.pick(all.length > 1 && dice.chance(0.97) ? all.slice(1) : all), dice, raw, all);
    let written = JSON.stringify(root[0]) ?? "";
    for (const [standIn, replacement] of raw) written = written.replace(standIn, () => replacement);
    return written;
  } catch {
    // An earlier mutation has broken it, or nested it deeper than can be written.
    return text;
  }
}

function changedEvent(event: string, change: Change, dice: Dice): string {
  const lines = event.split(/\r\n|\r|\n/);
  const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
  if (data.length === 0) return event;
  const others = lines.filter((line) => !line.startsWith("data:"));
  return [...others, `data: ${changedJson(data.join("\n"), change, dice)}`].join("\n");
}

/** Mutations of values, by what they do. */
export const JSON_MUTATIONS: Readonly<Record<string, Mutation>> = Object.fromEntries(
  Object.entries(CHANGES).map(([name, change]): [string, Mutation] => [
    `a value ${name}`,
    (answer, dice) => {
      const text = answer.body.toString("utf8");
      if (!isStream(answer.body)) return { ...answer, body: Buffer.from(changedJson(text, change, dice)) };
      const events = eventsOf(text);
      const place = dice.below(events.length);
      events[place] = changedEvent(events[place] ?? "", change, dice);
      return { ...answer, body: Buffer.from(streamOf(events)) };
    },
  ]),
);
