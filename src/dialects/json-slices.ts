import { RawJson, rawJson } from "./json-text.ts";

// Lists as text, to go with `objectMembers`: what stands inside is kept exactly as it was written.

/** The items of a list's JSON text, each as its own text; undefined where the text is not a list. */
export function arrayItems(text: string): RawJson[] | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("[") || !rawJson(trimmed)) return undefined;
  const items: RawJson[] = [];
  let depth = 0;
  let start = 1;
  const take = (end: number): void => {
    const item = trimmed.slice(start, end).trim();
    if (item !== "") items.push(new RawJson(item));
    start = end + 1;
  };
  for (let at = 1; at < trimmed.length; at++) {
    const char = trimmed[at];
    if (char === '"') at = endOfString(trimmed, at);
    else if (char === "[" || char === "{") depth += 1;
    else if (depth === 0 && (char === "," || char === "]")) take(at);
    else if (char === "]" || char === "}") depth -= 1;
  }
  return items;
}

// Where the closing quote stands. The text is known to be valid JSON.
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
