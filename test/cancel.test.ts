import { expect, test } from "vitest";
import { cancelLine, playCancels } from "./support/cancels.ts";

// A caller who leaves is no reason to go on: the provider's connection is closed at once, and nobody else is asked.

test("the provider is told at once that the caller has left, over each protocol and before as after content", async () => {
  const report = await playCancels(60);
  process.stdout.write(cancelLine(report));
  expect(report.attemptsAfter).toBe(0);
  // What is promised is 50 ms at the median; what is asserted leaves room for machines that are busy with other tests.
  expect(report.medianMs).toBeLessThan(500);
});
