import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MATRIX_FAULTS } from "../test/support/fault-matrix.ts";
import { FAULTS_DOC_PATH, pageAround, tableOf } from "./generate-faults-doc.ts";
import { STREAMING_FAULTS } from "./streaming-faults.ts";

describe("docs/faults.md", () => {
  const page = readFileSync(FAULTS_DOC_PATH, "utf8");

  test("is the page that the tool writes around its table, which the slow suite compares with what it finds", () => {
    expect(page).toBe(pageAround(tableOf(page)));
  });

  test("has a row for every fault of the sandbox, and for no other", () => {
    const rows = tableOf(page).split("\n").slice(2);
    expect(rows.map((row) => row.split("`")[1])).toEqual(MATRIX_FAULTS.map(({ name }) => name));
  });

  test("names faults and tests that there are", () => {
    const faults = new Set(MATRIX_FAULTS.map(({ name }) => name));
    const named = STREAMING_FAULTS.flatMap(({ where }) => where.match(/`[^`]+`/g) ?? []).map((one) => one.slice(1, -1));
    const unknown = named.filter((one) => !faults.has(one) && !existsSync(join(import.meta.dirname, "..", one)));
    expect(unknown).toEqual([]);
  });
});
