import { describe, expect, test } from "vitest";
import { Delivery } from "../src/contract/index.ts";
import { storyText, storyTokens } from "../src/sandbox/index.ts";
import { freshModel, streams, withWall } from "./support/delivery.ts";
import { playCuts, someCuts, wrongAbout, type Cut } from "./support/in-process/cuts.ts";
import type { Told } from "./support/in-process/pipeline.ts";
import { askWall, WALL_FORMATS } from "./support/wall.ts";

// An answer that breaks at any of its bytes is never presented as complete, and no byte of it is lost or repeated. Every
// byte in every mode and in every way is the slow suite's.

test("answers that break all over their bytes end once and honestly, in every mode and wire format", async () => {
  const { count, ends, rescued, defects } = await playCuts(someCuts(251));
  expect(defects).toEqual([]);
  expect(count).toBeGreaterThan(600);
  // All ways to end have to occur, or nothing was tried.
  expect(ends["completed"]).toBeGreaterThan(count / 2);
  expect(ends["STREAM_INTERRUPTED"]).toBeGreaterThan(count / 20);
  expect(ends["PROVIDER_TIMEOUT"]).toBeGreaterThan(count / 100);
  expect(rescued).toBeGreaterThan(count / 10);
}, 30_000);

describe("the judge of cuts finds", () => {
  const [begun, whole] = [storyTokens(2).join(""), storyTokens(4).join("")];
  const cut: Cut = {
    format: WALL_FORMATS[0]!,
    stream: true,
    how: "fault-cut",
    mode: Delivery.AUTO,
    atByte: 900,
    repeats: false,
  };
  const told: Told = {
    end: "completed",
    text: whole,
    attempts: 2,
    marks: ["continued"],
    hadContent: true,
    defects: [],
  };
  const failed: Told = { ...told, end: "STREAM_INTERRUPTED", text: begun };

  test.each<[string, Partial<Cut>, Told, number]>([
    ["a fragment as the answer", {}, { ...told, text: begun }, 1],
    ["a doubled token", {}, { ...told, text: begun + whole }, 1],
    ["a lost token", {}, { ...told, text: storyTokens(3).join("") }, 1],
    [
      "text that was lost before a typed end",
      { mode: Delivery.COMMIT },
      { ...failed, text: storyTokens(1).join("") },
      1,
    ],
    ["a typed end before content", { mode: Delivery.COMMIT }, { ...failed, text: "", hadContent: false }, 2],
    ["a rescue that did not come", { mode: Delivery.HOLD }, failed, 1],
    ["an end of another kind", { mode: Delivery.COMMIT }, { ...failed, end: "GATEWAY_INTERNAL" }, 1],
    ["nothing where all is well", {}, told, 0],
    ["nothing where a caller who wants no rescue gets none", { mode: Delivery.COMMIT }, failed, 0],
  ])("%s", (_what, change, what, defects) => {
    expect(wrongAbout({ ...cut, ...change }, what, 2)).toHaveLength(defects);
  });
});

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
