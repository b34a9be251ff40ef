import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULTS_DOC_PATH, faultsDoc } from "../tools/generate-faults-doc.ts";
import { playMatrix, type Cell } from "./support/fault-matrix.ts";
import { WALL_FORMATS } from "./support/wall.ts";

// Every fault x wire format x unary or stream x surface x delivery mode x second target, as docs/faults.md tells it.

const cells: Cell[] = [];

test.each(WALL_FORMATS)("no fault over $format breaks a promise", { timeout: 600_000 }, async (format) => {
  const played = await playMatrix(format);
  cells.push(...played);
  expect(played.filter(({ defect }) => defect !== undefined)).toEqual([]);
  expect(played.length).toBeGreaterThan(1_500);
});

test("docs/faults.md tells what was found; refresh it with `node tools/generate-faults-doc.ts`", () => {
  expect(readFileSync(FAULTS_DOC_PATH, "utf8")).toBe(faultsDoc(cells));
});
