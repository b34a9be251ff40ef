import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";
import { PROVIDERS_DOC_PATH, UNVERIFIED, providersDoc } from "./generate-providers-doc.ts";

describe("docs/providers.md", () => {
  const page = readFileSync(PROVIDERS_DOC_PATH, "utf8");
  const entries = [...PROVIDER_ENTRIES.values()].filter(({ kind }) => kind !== "sandbox");

  test("is what the entries say now (npm run gen:docs writes it)", () => {
    expect(page).toBe(providersDoc());
  });

  test("tells of each kind whether recordings prove it", () => {
    const lines = page.split("\n");
    const told = entries.map(({ kind }) => {
      const rows = lines.filter((line) => line.startsWith(`| \`${kind}\` |`));
      return [kind, rows.length, rows[0]?.endsWith(`| ${UNVERIFIED} |`)];
    });
    expect(told).toEqual(entries.map(({ kind, verified }) => [kind, 1, verified === "none"]));
    expect(entries.some(({ verified }) => verified === "none")).toBe(true);
  });

  test("has each quirk and each rule with its source and date", () => {
    const missing = entries.flatMap(({ apis, apiRules = [] }) => [
      ...apis
        .flatMap(({ quirks }) => quirks)
        .filter(
          ({ id, source, checkedOn }) => !page.includes(`| ${id} |`) || !page.includes(`<${source}> | ${checkedOn} |`),
        ),
      ...apiRules.filter(({ id, source }) => !page.includes(`| ${id} |`) || !page.includes(`<${source}> |`)),
    ]);
    expect(missing).toEqual([]);
  });
});
