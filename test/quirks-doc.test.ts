import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";

const ROOT = join(import.meta.dirname, "..");
const ENTRIES = "providers/entries/";

interface Row {
  readonly id: string;
  readonly where: string;
  /** Files that it names, from `src/`. */
  readonly files: readonly string[];
}

const rows: readonly Row[] = readFileSync(join(ROOT, "docs/quirks.md"), "utf8")
  .split("\n")
  .filter((line) => /^\| Q\d\d /.test(line))
  .map((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const where = cells[4] ?? "";
    return { id: cells[1] ?? "", where, files: [...where.matchAll(/`([^`\s]+\.ts)`/g)].map(([, file = ""]) => file) };
  });

// Entries whose source has a quirk of this id as data.
const dataOf = new Map<string, string[]>();
for (const name of readdirSync(join(ROOT, "src", ENTRIES)).filter((file) => !file.endsWith(".test.ts"))) {
  const source = readFileSync(join(ROOT, "src", ENTRIES, name), "utf8");
  for (const [, id = ""] of source.matchAll(/\bid: "(Q\d\d)"/g)) {
    const files = dataOf.get(id) ?? [];
    if (!files.includes(ENTRIES + name)) dataOf.set(id, [...files, ENTRIES + name]);
  }
}

describe("docs/quirks.md", () => {
  test("has each of the 80 quirks once, in order", () => {
    expect(rows.map(({ id }) => id)).toEqual(
      Array.from({ length: 80 }, (_, at) => `Q${String(at + 1).padStart(2, "0")}`),
    );
  });

  test("names files that exist, or says why there are none", () => {
    const missing = rows.flatMap(({ files }) => files).filter((file) => !existsSync(join(ROOT, "src", file)));
    expect(missing).toEqual([]);
    const silent = rows.filter(({ files, where }) => files.length === 0 && !/^(not done|no entry): .{20,}/.test(where));
    expect(silent.map(({ id }) => id)).toEqual([]);
  });

  test("says of each quirk in the data which entries have it, and of no other", () => {
    const told = rows.map(({ id, where, files }) => [
      id,
      where.startsWith("not done") ? [] : files.filter(isEntry).toSorted(),
    ]);
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(rows.map(({ id }) => [id, (dataOf.get(id) ?? []).toSorted()])),
    );
  });

  test("the entries' data has no quirk of such an id that the page lacks, each with source and date", () => {
    const items = [...PROVIDER_ENTRIES.values()].flatMap((entry) => [
      ...entry.apis.flatMap(({ quirks }) => quirks),
      ...(entry.apiRules ?? []),
    ]);
    const known = new Set(rows.map(({ id }) => id));
    const numbered = items.filter(({ id }) => /^Q\d+$/.test(id));
    expect(new Set(numbered.map(({ id }) => id)).size).toBeGreaterThan(40);
    for (const { id, source, checkedOn } of numbered) {
      expect([id, known.has(id)]).toEqual([id, true]);
      expect(source).toMatch(/^https:\/\//);
      expect(checkedOn).toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });
});

function isEntry(file: string): boolean {
  return file.startsWith(ENTRIES);
}
