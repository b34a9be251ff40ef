import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UsageSource } from "../../src/contract/index.ts";
import { decodeLine } from "../../src/ledger/format.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type {
  AttemptEndedRecord,
  ForwardedRecord,
  LedgerRecord,
  RequestEndedRecord,
} from "../../src/ledger/records.ts";
import type { JournalDamage } from "../../src/ledger/segments.ts";
import { startMain, type TestProcess } from "./process.ts";

/** The sandbox as a process of its own: its books outlive every gateway that calls it. */
export interface SandboxProcess extends AsyncDisposable {
  readonly url: string;
}

/** One chat request as the sandbox has booked it. */
export interface BookedCall {
  /** With its suffix, which is different for each request of these stories. Empty: it never came whole. */
  readonly model: string;
  readonly ended: "running" | "completed" | "cut" | "client_closed";
  readonly tokensSent: number;
}

/** The same with what its bill is made from. */
export interface BilledCall extends BookedCall {
  readonly inputTokens: number;
  readonly status?: number;
}

/** Starts the sandbox alone on a free port. */
export async function startSandboxProcess(): Promise<SandboxProcess> {
  const child: TestProcess = startMain(["sandbox", "--port", "0"]);
  const [, url = ""] = await child.until(/^Sandbox listens on (http:\S+) /);
  return { url, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

/** Everything that ever reached the sandbox, as it tells. */
export async function booksOf({ url }: SandboxProcess): Promise<BilledCall[]> {
  const answer = await fetch(`${url}/sandbox/books`);
  return ((await answer.json()) as { attempts: BilledCall[] }).attempts;
}

/** A journal, sorted by what it is about. */
export interface Journal {
  readonly forwarded: readonly ForwardedRecord[];
  /** By `requestId attempt`. */
  readonly attemptEnds: ReadonlyMap<string, readonly AttemptEndedRecord[]>;
  readonly requestEnds: ReadonlyMap<string, readonly RequestEndedRecord[]>;
  readonly damage: readonly JournalDamage[];
}

/** Reads the whole journal of a data folder: the segments it has, and the lines of others that the tables have kept. */
export async function readJournal(dataDir: string): Promise<Journal & { readonly records: readonly LedgerRecord[] }> {
  const forwarded: ForwardedRecord[] = [];
  const attemptEnds = new Map<string, AttemptEndedRecord[]>();
  const requestEnds = new Map<string, RequestEndedRecord[]>();
  const damage: JournalDamage[] = [];
  const found = readEvents(dataDir);
  for await (const { epoch, seq, record } of readLedger(join(dataDir, "ledger"), (one) => damage.push(one))) {
    found.set(`${epoch} ${seq}`, record);
  }
  const places = [...found].map(([place, record]) => ({ at: place.split(" ").map(Number), record }));
  places.sort(({ at: [a = 0, b = 0] }, { at: [c = 0, d = 0] }) => a - c || b - d);
  const records = places.map(({ record }) => record);
  for (const record of records) {
    if (record.kind === "forwarded") forwarded.push(record);
    else if (record.kind === "attempt_ended") add(attemptEnds, attemptKey(record), record);
    else if (record.kind === "request_ended") add(requestEnds, record.requestId, record);
  }
  return { forwarded, attemptEnds, requestEnds, damage, records };
}

/** The lines that the tables of a data folder have, by their places. */
function readEvents(dataDir: string): Map<string, LedgerRecord> {
  using tables = new DatabaseSync(join(dataDir, "parley.sqlite"), { readOnly: true });
  const rows = tables.prepare("select body from ledger_events order by epoch, seq").all();
  const events = new Map<string, LedgerRecord>();
  for (const { body } of rows as { body: string }[]) {
    for (const line of body.trimEnd().split("\n")) {
      const { epoch, seq, content } = decodeLine(Buffer.from(line))!;
      if (events.has(`${epoch} ${seq}`)) throw new RangeError(`Cannot read the tables: ${epoch} ${seq} is there twice`);
      events.set(`${epoch} ${seq}`, content as LedgerRecord);
    }
  }
  return events;
}

/**
 * In what the tables differ from the journal once a restart has projected it, in sentences: every line is there once, each
 * attempt is as its one end says and counts as what that costs, and the totals are the sum of the lines.
 */
export async function projectionProblems(dataDir: string, journal: Journal): Promise<string[]> {
  const problems: string[] = [];
  const events = readEvents(dataDir);
  for await (const { epoch, seq, record } of readLedger(join(dataDir, "ledger"))) {
    if (!events.has(`${epoch} ${seq}`)) problems.push(`${record.kind} of ${record.requestId} is not in the tables`);
  }
  using tables = new DatabaseSync(join(dataDir, "parley.sqlite"), { readOnly: true });
  const row = tables.prepare(
    "select state, charged_nano_usd from ledger_attempts where request_id = ? and attempt = ?",
  );
  let sum = 0n;
  for (const record of journal.forwarded) {
    const [end] = journal.attemptEnds.get(attemptKey(record)) ?? [];
    const found = row.get(record.requestId, record.attempt) as { state: string; charged_nano_usd: number } | undefined;
    const cost = end?.cost?.nanoUsd ?? BigInt(record.hold?.nanoUsd ?? 0);
    sum += cost;
    if (found?.state !== end?.state) problems.push(`${record.model} is ${found?.state} and not ${end?.state}`);
    if (BigInt(found?.charged_nano_usd ?? -1) !== cost) problems.push(`${record.model} counts as another sum`);
  }
  const total = tables.prepare("select coalesce(sum(charged_nano_usd), 0) as sum from ledger_attempts").get();
  if (BigInt((total as { sum: number }).sum) !== sum) problems.push("the total is not the sum of the lines");
  return problems;
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

/** Names an attempt in a `Journal`. */
export function attemptKey({ requestId, attempt }: { readonly requestId: string; readonly attempt: number }): string {
  return `${requestId} ${attempt}`;
}

/**
 * What is wrong with a journal that a crash and a restart have left, in sentences: each attempt and request has one end,
 * whatever a restart closed is estimated, no end is without its forward, and nothing that reached the sandbox is missing.
 */
export function problemsOf(journal: Journal, books: readonly BookedCall[]): string[] {
  const problems: string[] = [];
  for (const { kind, segment } of journal.damage) if (kind !== "torn") problems.push(`segment ${segment} is ${kind}`);
  for (const record of journal.forwarded) {
    problems.push(...attemptProblems(record, journal.attemptEnds.get(attemptKey(record)) ?? []));
    const ends = journal.requestEnds.get(record.requestId) ?? [];
    if (ends.length !== 1) problems.push(`the request of ${record.model} has ${ends.length} ends`);
  }
  const known = new Set(journal.forwarded.map(attemptKey));
  for (const key of journal.attemptEnds.keys()) if (!known.has(key)) problems.push(`${key} ended without a forward`);
  problems.push(...missingCalls(journal, books));
  for (const call of books) problems.push(...completionProblems(call, journal));
  return problems;
}

function attemptProblems({ model }: ForwardedRecord, ends: readonly AttemptEndedRecord[]): string[] {
  const [end] = ends;
  if (!end || ends.length > 1) return [`${model} has ${ends.length} ends`];
  if (end.reason !== "gateway_restarted") return [];
  const { source, inputTokens = 0 } = end.usage ?? {};
  const isEstimated = end.state === "failed" && source === UsageSource.ESTIMATED && inputTokens > 0;
  return isEstimated ? [] : [`${model} was closed by a restart, but not as estimated`];
}

// A call that was cut while it was sent has no model, but it counts.
function missingCalls({ forwarded }: Journal, books: readonly BookedCall[]): string[] {
  const left = forwarded.map(({ model }) => model);
  const missing = books.filter(({ model }) => model !== "" && takeOut(left, model) === undefined);
  const problems = missing.map(({ model }) => `${model} reached the sandbox and is not in the journal`);
  if (books.length > forwarded.length) problems.push("the sandbox has booked more than was forwarded");
  return problems;
}

function takeOut(list: string[], text: string): string | undefined {
  const index = list.indexOf(text);
  return index < 0 ? undefined : list.splice(index, 1)[0];
}

// Where a model was called once, what both sides say of a complete answer must agree.
function completionProblems(call: BookedCall, journal: Journal): string[] {
  const [record, ...others] = journal.forwarded.filter(({ model }) => model === call.model);
  if (!record || others.length > 0) return [];
  const end = journal.attemptEnds.get(attemptKey(record))?.[0];
  if (end?.state !== "completed") return [];
  if (call.ended !== "completed") return [`${call.model} is completed in the journal and ${call.ended} at the sandbox`];
  const { outputTokens } = end.usage ?? {};
  return outputTokens === call.tokensSent
    ? []
    : [`${call.model} has ${outputTokens} tokens, ${call.tokensSent} were sent`];
}
