import { test } from "vitest";
import { killWriters } from "../../test/support/ledger-kill.ts";
import { realRuntime } from "../runtime/real.ts";

test("openLedger after kill -9 has every forward that was promised, one end for each and no changed line, 40 times", async () => {
  await killWriters(40, Math.floor(realRuntime().random() * 1_000_000));
});
