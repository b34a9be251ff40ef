import { objectMembers, type RawJson } from "../json-text.ts";

/** Where a JSON schema leads back to itself: the path of a definition, empty for the whole; undefined where it does not. */
export function findRecursion({ text }: RawJson): string | undefined {
  if (refsIn(text).includes("#")) return "";
  const root = objectMembers(text);
  for (const group of ["$defs", "definitions"]) {
    const definitions = objectMembers(root?.get(group)?.text ?? "");
    for (const name of definitions?.keys() ?? []) {
      if (definitions && leadsBack(`#/${group}/${name}`, definitions, `#/${group}/`)) return `.${group}.${name}`;
    }
  }
  return undefined;
}

function leadsBack(start: string, definitions: ReadonlyMap<string, RawJson>, prefix: string): boolean {
  const seen = new Set<string>();
  const next = [start];
  for (let ref = next.pop(); ref !== undefined; ref = next.pop()) {
    const text = ref.startsWith(prefix) ? definitions.get(ref.slice(prefix.length))?.text : undefined;
    for (const target of text === undefined ? [] : refsIn(text)) {
      if (target === start) return true;
      if (seen.has(target)) continue;
      seen.add(target);
      next.push(target);
    }
  }
  return false;
}

function refsIn(text: string): string[] {
  return [...text.matchAll(/"\$ref"\s*:\s*("(?:[^"\\]|\\.)*")/g)].map(([, ref = '""']) => JSON.parse(ref) as string);
}
