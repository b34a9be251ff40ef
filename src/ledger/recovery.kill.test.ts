import { test } from "vitest";
import { killWriters } from "../../test/support/ledger-kill.ts";

// The slow test kills more often, and elsewhere each time.
test("openLedger after kill -9 has every forward that was promised, one end for each and no changed line", async () => {
  await killWriters(5, 20_261_120);
}, 60_000);
