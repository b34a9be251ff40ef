import { expect, test } from "vitest";
import { cancelLine, playCancels } from "./support/cancels.ts";

test("a thousand callers leave", async () => {
  const report = await playCancels(1_000);
  process.stdout.write(cancelLine(report));
  expect(report.attemptsAfter).toBe(0);
  expect(report.medianMs).toBeLessThan(50);
});
