import { describe, expect, test } from "vitest";
import { Delivery } from "../src/contract/index.ts";
import { storyText } from "../src/sandbox/index.ts";
import { freshModel, streams, withWall } from "./support/delivery.ts";
import { playCuts, someCuts } from "./support/in-process/cuts.ts";
import { askWall, WALL_FORMATS } from "./support/wall.ts";

// An answer that breaks at any of its bytes is never presented as complete, and no byte of it is lost or repeated. Every
// byte in every mode and in every way is the slow suite's.

test("answers that break all over their bytes end once and honestly, in every mode and wire format", async () => {
  const { count, ends, rescued, defects } = await playCuts(someCuts(83));
  expect(defects).toEqual([]);
  expect(count).toBeGreaterThan(2_000);
  // All ways to end have to occur, or nothing was tried.
  expect(ends["completed"]).toBeGreaterThan(count / 2);
  expect(ends["STREAM_INTERRUPTED"]).toBeGreaterThan(count / 20);
  expect(ends["PROVIDER_TIMEOUT"]).toBeGreaterThan(count / 100);
  expect(rescued).toBeGreaterThan(count / 10);
}, 30_000);

describe("over HTTP", () => {
  test.each(WALL_FORMATS)("$format is continued from whatever byte it breaks at", async (format) => {
    const next = WALL_FORMATS[(WALL_FORMATS.indexOf(format) + 1) % WALL_FORMATS.length]!;
    await withWall(async (wall) => {
      const found = await Promise.all(
        [1_500, 1_777, 2_222, 2_501, 3_003, 3_999, 4_321].map((atByte, index) => {
          const model = freshModel("fault-cut", `at_byte=${atByte}`);
          const more = { delivery: Delivery.AUTO };
          return askWall(streams(wall)[index % 6]!, format, model, [`${next.provider}/story@delay_ms=0`], more);
        }),
      );
      for (const outcome of found)
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1 });
    });
  });
});
