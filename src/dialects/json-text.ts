// JSON as text. Schemas, arguments and raw parameters go out exactly as they came: key order and big integers survive,
// which JSON.parse followed by JSON.stringify does not grant.

/** JSON text that is written as it is. Make it with `rawJson`, which checks it. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Checked JSON text, or undefined where `text` is not JSON. */
export function rawJson(text: string): RawJson | undefined {
  try {
    JSON.parse(text);
    return new RawJson(text);
  } catch {
    return undefined;
  }
}

/** Checked JSON text of an object, or undefined where `text` is something else. */
export function rawObject(text: string): RawJson | undefined {
  return isObjectText(text) ? rawJson(text) : undefined;
}

/** `JSON.stringify` that also writes `RawJson` and maps. Members that are undefined are left out. */
export function jsonText(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === undefined ? "null" : JSON.stringify(value);
  if (value instanceof RawJson) return value.text;
  if (Array.isArray(value)) return arrayText(value);
  if (value instanceof Map) return mapText(value);
  return objectText(value as Readonly<Record<string, unknown>>);
}

function arrayText(values: readonly unknown[]): string {
  let text = "[";
  for (let index = 0; index < values.length; index++) text += (index === 0 ? "" : ",") + jsonText(values[index]);
  return `${text}]`;
}

function mapText(members: ReadonlyMap<unknown, unknown>): string {
  let text = "";
  for (const [key, value] of members) text += memberText(text, String(key), value);
  return `{${text}}`;
}

function objectText(members: Readonly<Record<string, unknown>>): string {
  let text = "";
  for (const key of Object.keys(members)) text += memberText(text, key, members[key]);
  return `{${text}}`;
}

function memberText(before: string, key: string, value: unknown): string {
  if (value === undefined) return "";
  return `${before === "" ? "" : ","}${quoted(key)}:${jsonText(value)}`;
}

// Names are few and come again with every request; those that callers invent are not kept beyond a bound.
const names = new Map<string, string>();
const MAX_NAMES = 500;

function quoted(name: string): string {
  let text = names.get(name);
  if (text === undefined) {
    text = JSON.stringify(name);
    if (names.size < MAX_NAMES && name.length <= 64) names.set(name, text);
  }
  return text;
}

/** The members of an object's JSON text, each value as its own text; a repeated key's last value wins. */
export function objectMembers(text: string): Map<string, RawJson> | undefined {
  if (!rawObject(text)) return undefined;
  const members = new Map<string, RawJson>();
  let at = skipSpace(text, text.indexOf("{") + 1);
  while (text[at] !== "}") {
    const keyEnd = skipString(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    members.set(key, new RawJson(text.slice(start, end).trimEnd()));
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return members;
}

function isObjectText(text: string): boolean {
  return text[skipSpace(text, 0)] === "{";
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\n\r".includes(text.charAt(at))) at += 1;
  return at;
}

// `from` is at the opening quote; the end is after the closing one. The text is known to be valid JSON.
function skipString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

// Stops at the comma or bracket that ends the value.
function skipValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text[at];
    if (char === '"') {
      at = skipString(text, at);
      continue;
    }
    if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      if (depth === 0) return at;
      depth -= 1;
    } else if (char === "," && depth === 0) return at;
    at += 1;
  }
  return at;
}
