import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { chargeOf } from "../../src/ledger/charge.ts";
import type { AttemptEndedRecord, ForwardedRecord, LedgerRecord } from "../../src/ledger/records.ts";
import { attemptKey, type BilledCall, type Journal } from "./crash-round.ts";

/** Prices of the wall, in nano-USD per token, and what a value of the tag may cost at most. */
export const WALL_NANO_USD = { input: 1_000, output: 2_000 } as const;

/** Lines of one kind: what the wall would bill for them, and what the books have charged. */
export interface BillRow {
  readonly kind: string;
  lines: number;
  wallNanoUsd: number;
  booksNanoUsd: number;
}

/** What lines of one kind must look like: `exact`, or at least what the wall bills (a hold that nobody could settle). */
const KINDS: Readonly<Record<string, "exact" | "covered">> = {
  "answered, and both have it": "exact",
  "refused by the wall": "exact",
  "never came to the wall, held when the process died": "covered",
  "broken off by the wall": "covered",
  "left by the caller": "covered",
  "cut by the death of the process": "covered",
  "whole at the wall, not yet in the books when the process died": "covered",
};

/** Compares the wall's lines with those of the books, one by one: every one has a kind and is covered, or is a problem. */
export function compareBills(
  journal: Journal,
  books: readonly BilledCall[],
): { readonly rows: readonly BillRow[]; readonly problems: readonly string[] } {
  const rows = new Map<string, BillRow>();
  const problems: string[] = [];
  const calls = new Map<string, BilledCall[]>();
  for (const call of books) calls.set(call.model, [...(calls.get(call.model) ?? []), call]);
  for (const record of journal.forwarded) {
    const call = calls.get(record.model)?.shift();
    const end = journal.attemptEnds.get(attemptKey(record))?.[0];
    const kind = kindOf(call, end);
    const wallNanoUsd = call ? wallBill(call) : 0;
    const booksNanoUsd = end ? chargeOf(record.hold, end) : 0;
    const rule = kind === undefined ? undefined : KINDS[kind];
    const differs = rule === "exact" ? booksNanoUsd !== wallNanoUsd : booksNanoUsd < wallNanoUsd;
    // Nobody is charged more than was held: the wall keeps to the limit it was given.
    if (!rule || differs || booksNanoUsd > (record.hold?.nanoUsd ?? 0)) {
      problems.push(
        `${record.model} (${kind ?? `${call?.ended}, ${end?.reason}`}): ${booksNanoUsd}, not ${wallNanoUsd}`,
      );
    }
    const row = rows.get(kind ?? "unexplained") ?? {
      kind: kind ?? "unexplained",
      lines: 0,
      wallNanoUsd: 0,
      booksNanoUsd: 0,
    };
    row.lines += 1;
    row.wallNanoUsd += wallNanoUsd;
    row.booksNanoUsd += booksNanoUsd;
    rows.set(row.kind, row);
  }
  // A request whose body never came whole has no name, and costs nothing.
  for (const [model, left] of calls) {
    if (model !== "" && left.length > 0) problems.push(`${model} is on the wall's bill and not in the books`);
  }
  return { rows: [...rows.values()], problems };
}

function kindOf(call: BilledCall | undefined, end: AttemptEndedRecord | undefined): string | undefined {
  if (!end) return undefined;
  const died = end.reason === "gateway_restarted";
  if (!call) return died ? "never came to the wall, held when the process died" : undefined;
  if (died) {
    return call.ended === "completed"
      ? "whole at the wall, not yet in the books when the process died"
      : "cut by the death of the process";
  }
  if ((call.status ?? 0) >= 300) return "refused by the wall";
  if (call.ended === "cut") return "broken off by the wall";
  if (call.ended === "client_closed") return "left by the caller";
  return end.state === "completed" ? "answered, and both have it" : undefined;
}

function wallBill({ status, inputTokens, tokensSent }: BilledCall): number {
  return status === 200 ? inputTokens * WALL_NANO_USD.input + tokensSent * WALL_NANO_USD.output : 0;
}

/** Where counters differ from the lines, or held and spent money was ever more than its limit, in sentences. */
export function moneyProblems(
  dataDir: string,
  records: readonly LedgerRecord[],
  limitOf: (account: string) => number,
): string[] {
  const problems: string[] = [];
  const spent = new Map<string, number>();
  const standing = new Map<string, number>();
  const open = new Map<string, ForwardedRecord>();
  const add = (sums: Map<string, number>, { hold }: ForwardedRecord, nanoUsd: number): void => {
    for (const { account, bucket } of hold?.buckets ?? []) {
      const key = `${bucket} ${account}`;
      sums.set(key, (sums.get(key) ?? 0) + nanoUsd);
      if (sums === standing && (sums.get(key) ?? 0) > limitOf(account)) problems.push(`${key} is above its limit`);
    }
  };
  for (const record of records) {
    if (record.kind === "forwarded") {
      open.set(attemptKey(record), record);
      add(standing, record, record.hold?.nanoUsd ?? 0);
    } else if (record.kind === "attempt_ended") {
      const begun = open.get(attemptKey(record));
      if (!begun) {
        problems.push(`${attemptKey(record)} is settled twice, or was never held`);
        continue;
      }
      open.delete(attemptKey(record));
      const charge = chargeOf(begun.hold, record);
      add(standing, begun, charge - (begun.hold?.nanoUsd ?? 0));
      add(spent, begun, charge);
    }
  }
  if (open.size > 0) problems.push(`${open.size} attempts are not settled`);
  problems.push(...counterProblems(dataDir, spent));
  return problems;
}

function counterProblems(dataDir: string, spent: ReadonlyMap<string, number>): string[] {
  using tables = new DatabaseSync(join(dataDir, "parley.sqlite"), { readOnly: true });
  const problems: string[] = [];
  for (const table of ["spend", "spend_of_replica"]) {
    const rows = tables.prepare(`select account, bucket, sum(nano_usd) as sum from ${table} group by 1, 2`).all();
    const counters = new Map(
      (rows as { account: string; bucket: number; sum: number }[]).map((row) => [
        `${row.bucket} ${row.account}`,
        row.sum,
      ]),
    );
    for (const key of new Set([...counters.keys(), ...spent.keys()])) {
      const [counter = 0, lines = 0] = [counters.get(key), spent.get(key)];
      if (counter !== lines) problems.push(`${table} of ${key} is ${counter}, its lines are ${lines}`);
    }
  }
  const { open } = tables.prepare("select count(*) as open from ledger_attempts where ended_at_ms is null").get() as {
    open: number;
  };
  if (open > 0) problems.push(`${open} attempts have no end in the tables`);
  return problems;
}
