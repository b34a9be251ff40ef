import { setTimeout as pause } from "node:timers/promises";
import { CRASH_POINTS, type CrashPoint } from "../../src/runtime/crash-point.ts";
import { compareBills, moneyProblems, WALL_NANO_USD, type BillRow } from "./crash-bill.ts";
import { booksOf, problemsOf, projectionProblems, readJournal, type SandboxProcess } from "./crash-round.ts";
import { doorsOf } from "./doors.ts";
import { openRequest, type LiveRequest } from "./live-stream.ts";
import { startGatewayProcess, startMain, type GatewayProcess, type TestFolder } from "./process.ts";

/** Where a process is killed: at a named place, or at a moment of chance. */
export type KillAt = CrashPoint | "random";

/** Everywhere. */
export const KILL_AT: readonly KillAt[] = [...CRASH_POINTS, "random"];

/** One life of a gateway, its death, and the restart. */
export interface Round {
  readonly name: string;
  readonly at: KillAt;
  /** How many streams are live when it dies. */
  readonly streams: number;
  /** Whether the restart is killed as well, at a place of its own. */
  readonly restartDies: boolean;
  readonly random: () => number;
}

/** What a round has shown. */
export interface RoundResult {
  readonly killedAt: string;
  readonly liveStreams: number;
  /** From the restart's first step until its books were read and had no open line, in milliseconds. */
  readonly recoveredMs: number;
  /** How many orphans the books have, of this round and those before it on the folder. */
  readonly orphans: number;
  readonly rows: readonly BillRow[];
  readonly problems: readonly string[];
}

const KEY = "a-key-that-has-a-budget";
const TAG = "round";
const LONG_TOKENS = 1_000;
const QUICK_TOKENS = 8;
/** More than is left beside the long streams. */
const GREEDY_TOKENS = 500_000;
const TEST_ONLY = { PARLEY_ONLY_A_TEST: "yes", PARLEY_SEGMENT_BYTES: "65536" };
const MOST_BATCHES = 60;
const LONGEST_LIFE_MS = 2_500;
const LARGE_NANO_USD = 1_000e9;

/** Requests beside the long streams: answered, rescued, broken, refused by the wall, refused by the budget. */
const BESIDE: readonly { readonly model: string; readonly fallback?: string; readonly tokens?: number }[] = [
  { model: `story@tokens=${QUICK_TOKENS},delay_ms=1` },
  { model: `fault-503@tokens=${QUICK_TOKENS}`, fallback: `story@tokens=${QUICK_TOKENS},delay_ms=1` },
  { model: "fault-cut@after=3,delay_ms=1" },
  { model: `fault-400@tokens=${QUICK_TOKENS}` },
  { model: `story@tokens=${QUICK_TOKENS},delay_ms=1`, tokens: GREEDY_TOKENS },
];

/** Places that only a restart passes, with something to recover. */
const RESTART_POINTS: readonly CrashPoint[] = ["recovery_read", "recovery_queued", "recovery_written"];
/** Places at which a restart may die as well. */
const ALSO_IN_RESTART: readonly CrashPoint[] = [
  ...RESTART_POINTS,
  "attempt_ended_queued",
  "request_ended_written",
  "segment_opened",
  "projection_uncommitted",
  "projection_committed",
  "segments_replaced",
  "segment_deleted",
];

/** What a value of the tag may cost: the long streams fit, and so do many of those beside them. */
function limitNanoUsd(streams: number): number {
  return Math.ceil(streams * 1.1 + 80) * (LONG_TOKENS * WALL_NANO_USD.output + 200 * WALL_NANO_USD.input);
}

/** Plays a round: a flood, a kill, a restart, and both sides' books compared. */
export async function playRound(sandbox: SandboxProcess, folder: TestFolder, round: Round): Promise<RoundResult> {
  folder.write("parley.yaml", yamlOf(sandbox, round.streams));
  const isForRestart = RESTART_POINTS.some((one) => one === round.at);
  const at = isForRestart ? "random" : round.at;
  const where = at === "random" ? undefined : `${at}:${countOf(at, round)}`;
  let killedAt = where ?? "random";
  let liveStreams: number;
  {
    await using gateway = await start(folder, where);
    liveStreams = await floodUntilKilled(gateway, round, where === undefined);
  }
  if (round.restartDies || isForRestart) {
    const second = isForRestart ? round.at : pick(ALSO_IN_RESTART, round.random);
    killedAt += `, restart at ${second}`;
    if (!(await dieInRestart(folder, second))) killedAt += " (not passed)";
  }
  const startedAtMs = performance.now();
  await using gateway = await start(folder, undefined);
  const result = await examine(gateway, sandbox, round.streams, startedAtMs);
  return { killedAt, liveStreams, ...result };
}

async function examine(gateway: GatewayProcess, sandbox: SandboxProcess, streams: number, startedAtMs: number) {
  const { dataDir } = gateway;
  const { records, ...journal } = await readJournal(dataDir);
  const money = moneyProblems(dataDir, records, (name) =>
    name.includes("tag=") ? limitNanoUsd(streams) : LARGE_NANO_USD,
  );
  const recoveredMs = performance.now() - startedAtMs;
  // The wall learns from its sockets that nobody reads any more.
  let books = await booksOf(sandbox);
  while (books.some(({ ended }) => ended === "running")) {
    await pause(20);
    books = await booksOf(sandbox);
  }
  const { rows, problems } = compareBills(journal, books);
  const ends = [...journal.attemptEnds.values()].flat();
  const budget = await spentByBudget(gateway);
  const total = rows.reduce((sum, { booksNanoUsd }) => sum + booksNanoUsd, 0);
  return {
    recoveredMs,
    orphans: ends.filter(({ reason }) => reason === "gateway_restarted").length,
    rows,
    problems: [
      ...problems,
      ...money,
      ...problemsOf(journal, books),
      ...(await projectionProblems(dataDir, journal)),
      ...(budget === total ? [] : [`the gateway says that ${budget} is spent, its lines are ${total}`]),
    ],
  };
}

async function spentByBudget({ url, adminKey }: GatewayProcess): Promise<number> {
  const listed = await fetch(`${url}/parley.admin.v1.BudgetService/ListBudgets`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ namePrefix: "key:fixed:flood" }),
  });
  const { budgets } = (await listed.json()) as { budgets: { name: string; spentNanoUsd?: string }[] };
  return Number(budgets.find(({ name }) => !name.includes("tag="))?.spentNanoUsd ?? 0);
}

function start(folder: TestFolder, where: string | undefined): Promise<GatewayProcess> {
  return startGatewayProcess(folder, {
    env: { ...TEST_ONLY, ...(where === undefined ? {} : { PARLEY_CRASH_AT: where }) },
  });
}

/** Starts a gateway that dies before it is ready; false: it never passed that place, and was killed when it was ready. */
async function dieInRestart(folder: TestFolder, point: KillAt): Promise<boolean> {
  await using child = startMain(["--port", "0"], { cwd: folder.path, env: { ...TEST_ONLY, PARLEY_CRASH_AT: point } });
  const outcome = await Promise.race([
    child.exited.then(({ signal }) => signal === "SIGKILL"),
    child.until(/^Parley listens on /).then(
      () => false,
      () => true,
    ),
  ]);
  return outcome;
}

/** Opens the long streams, then others beside them, until the process is dead. Resolves with how many streams were live. */
async function floodUntilKilled(gateway: GatewayProcess, round: Round, byUs: boolean): Promise<number> {
  const { random, name, streams } = round;
  const doors = doorsOf(gateway.url, KEY);
  const exited = gateway.process.exited.then(() => "dead" as const);
  let isDead = false;
  void exited.then(() => (isDead = true));
  const ask = (door: (typeof doors)[number], number: string, { model, fallback, tokens }: (typeof BESIDE)[number]) => {
    const named = (base: string, which: string): string => `wall/${base},id=${name}-${number}${which}`;
    const fallbacks = fallback === undefined ? [] : [named(fallback, "b")];
    return openRequest(door, named(model, "a"), fallbacks, {
      tags: { [TAG]: name },
      sampling: { maxOutputTokens: tokens ?? LONG_TOKENS },
    });
  };
  const streaming = doors.filter(({ stream }) => stream);
  const long: LiveRequest[] = Array.from({ length: streams }, (_, index) =>
    ask(streaming[index % streaming.length]!, `l${index}`, { model: `story@tokens=${LONG_TOKENS},delay_ms=100` }),
  );
  let begun = 0;
  for (const one of long) void one.begun.then(() => (begun += 1)).catch(() => {});
  const all = [...long];
  await Promise.race([Promise.allSettled(long.map((one) => one.begun)), exited]);
  const kill = byUs ? pause(random() * LONGEST_LIFE_MS).then(() => gateway.process.signal("SIGKILL")) : undefined;
  for (let batch = 0; !isDead; batch++) {
    if (batch === MOST_BATCHES) throw new Error(`${round.at} was never passed`);
    // Each kind through every door, one after the other.
    const beside = doors.map((door, index) =>
      ask(door, `b${batch}-${index}`, BESIDE[(batch + index) % BESIDE.length]!),
    );
    all.push(...beside);
    await Promise.race([Promise.all(beside.map(({ outcome }) => outcome)), exited]);
  }
  await kill;
  const ends = await Promise.all(long.map(({ outcome }) => outcome));
  await Promise.all(all.map(({ outcome }) => outcome));
  for (const door of doors) door.close();
  return Math.min(begun, ends.filter(({ end }) => end === "CUT" || end.startsWith("UNTYPED")).length);
}

/** The how-manieth pass kills, so that the long streams are under way by then. */
function countOf(point: CrashPoint, { streams, random }: Round): number {
  const upTo = (most: number): number => 1 + Math.floor(random() * most);
  const few = Math.ceil(streams / 8);
  if (point.startsWith("partially_streamed")) return upTo(2 * streams);
  if (point.startsWith("attempt_ended") || point.startsWith("request_ended") || point === "answer_ended")
    return upTo(few);
  if (point.startsWith("projection")) return Math.ceil(streams / 64) + upTo(5);
  // A start begins a segment and deletes those before it.
  if (point === "segment_opened" || point.startsWith("segments_")) return 1 + upTo(2);
  if (point === "segment_deleted") return 3 + upTo(2);
  if (point === "segment_begun") return upTo(2);
  return streams + upTo(few);
}

function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)]!;
}

function yamlOf({ url }: SandboxProcess, streams: number): string {
  const { input, output } = WALL_NANO_USD;
  const limit = (limitNanoUsd(streams) / 1e9).toFixed(9);
  return `version: 1
providers:
  wall: { kind: openai-compatible, base_url: "${url}/v1", api_key: x, models: any, price: { input: ${input / 1_000}, output: ${output / 1_000} } }
keys: [{ name: flood, key: ${KEY}, policy: flood }]
policies:
  flood:
    budgets:
      - { limit_usd: "${limit}", window: calendar_month, tag: ${TAG} }
      - { limit_usd: "${LARGE_NANO_USD / 1e9}", window: rolling_744h }
`;
}
