import { expect, test } from "vitest";
import { everyCut, playCuts } from "./support/in-process/cuts.ts";
import { WALL_FORMATS } from "./support/wall.ts";

// Every byte of a canonical answer x reset, close, silence or an orderly end x commit, auto, restartable, hold.

const ALL = WALL_FORMATS.flatMap((format) => [true, false].map((stream) => ({ ...format, stream })));

test.each(ALL)("$format, streamed: $stream, breaks at every byte and always ends honestly", async (row) => {
  const report = await playCuts(everyCut(row, row.stream));
  const ends = Object.entries(report.ends).map(([end, count]) => `${end} ${count}`);
  process.stdout.write(`${report.count} cuts of ${row.format}: ${ends.join(", ")}; ${report.rescued} rescued\n`);
  expect(report.defects).toEqual([]);
  expect(report.count).toBeGreaterThan(row.stream ? 15_000 : 3_000);
});
