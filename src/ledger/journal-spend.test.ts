import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { attemptEnded, forwarded, journalOptions, requestEnded } from "../../test/support/ledger.ts";
import { CostSchema } from "../contract/index.ts";
import { readSpend } from "./journal-spend.ts";
import { openLedger } from "./recovery.ts";

test("the books say what each bucket was charged, orphans at what was held for them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parley-spend-"));
  const hold = (nanoUsd: number, ...buckets: number[]) => ({
    hold: { nanoUsd, buckets: buckets.map((bucket) => ({ account: "key:k", bucket })) },
  });
  const open = () => openLedger({ ...journalOptions(folder).options, claimEpoch: (above) => above + 1 });
  const { ledger } = await open();
  await ledger.forwarded(forwarded("a", 1, hold(100_000, 7)));
  ledger.ended(attemptEnded("a"));
  ledger.ended(requestEnded("a"));
  await ledger.forwarded(forwarded("b", 1, hold(500, 7, 8)));
  ledger.ended(attemptEnded("b", 1, { state: "failed", cost: create(CostSchema, { nanoUsd: 0n }) }));
  await ledger.forwarded(forwarded("b", 2, hold(900, 8)));
  await ledger.close();
  const reopened = await open();
  await reopened.ledger.close();
  const spent = await (await readSpend(folder)).spent("key:k", [6, 7, 8]);
  expect([...spent]).toEqual([
    [7, 65_000],
    [8, 900],
  ]);
  rmSync(folder, { recursive: true });
});
