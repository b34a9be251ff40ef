import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkAnswer } from "./check.ts";
import { printHotSpots } from "./hot-spots.ts";
import { describeMachine, residentBytes, type Pinning } from "./machine.ts";
import { measure, warmUp } from "./measure.ts";
import { readOptions, usage, type BenchOptions } from "./options.ts";
import { missedGates, printReport, reportAsJson, type Report } from "./report.ts";
import { Results } from "./results.ts";
import { measureRouting, printRouting, RANKING_LIMIT_US } from "./routing.ts";
import { scenarios, type Scenario, type TargetName } from "./scenarios.ts";
import { startMock, startParley, startReference, type Target } from "./targets.ts";

type Targets = Partial<Record<TargetName, Target>>;

const resultsFolder = fileURLToPath(new URL("./results", import.meta.url));

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function startTargets(pinning: Pinning | undefined, profileFolder: string | undefined, gaps: string[]) {
  const direct = await startMock(pinning);
  const targets: Targets = { direct, reference: await startReference(pinning, direct.port) };
  try {
    targets.parley = await startParley(pinning, direct.port, profileFolder);
  } catch (error) {
    gaps.push(messageOf(error));
  }
  return targets;
}

/** A scenario with one of its targets; `failed` once a check or a slice failed: it is not tried again. */
interface Pair {
  readonly scenario: Scenario;
  readonly name: TargetName;
  readonly target: Target;
  failed: boolean;
}

function pairsOf(chosen: readonly Scenario[], targets: Targets): Pair[] {
  return chosen.flatMap((scenario) =>
    scenario.targets.flatMap((name) => {
      const target = targets[name];
      return target ? [{ scenario, name, target, failed: false }] : [];
    }),
  );
}

async function attempt(pair: Pair, gaps: string[], work: () => Promise<void>): Promise<void> {
  if (pair.failed) return;
  try {
    await work();
  } catch (error) {
    pair.failed = true;
    gaps.push(`${pair.name}: ${messageOf(error)}`);
  }
}

/** Within a round the targets of a scenario follow each other at once, so that all meet the same disturbances. */
async function runRounds(pairs: readonly Pair[], options: BenchOptions, results: Results): Promise<void> {
  const { settleMs, sliceMs, warmUpMaxMs } = options;
  for (const pair of pairs) {
    await attempt(pair, results.gaps, async () => {
      await checkAnswer(pair.scenario, pair.target);
      await warmUp(pair.scenario, pair.target, warmUpMaxMs);
    });
  }
  for (let round = 0; round < options.rounds; round++) {
    process.stderr.write(`round ${round + 1} of ${options.rounds}\n`);
    for (const pair of pairs) {
      await attempt(pair, results.gaps, async () => {
        const slice = await measure(pair.scenario, pair.target, { settleMs, sliceMs });
        results.add(round, pair.scenario.name, pair.name, slice);
      });
    }
  }
}

function memoryOf(targets: Targets): Partial<Record<TargetName, number>> {
  const { reference, parley } = targets;
  return {
    ...(reference && { reference: residentBytes(reference.pid) }),
    ...(parley && { parley: residentBytes(parley.pid) }),
  };
}

async function run(options: BenchOptions): Promise<Report> {
  const results = new Results();
  const startedAt = new Date().toISOString();
  const machine = describeMachine();
  const targets = await startTargets(machine.pinning, options.profile ? resultsFolder : undefined, results.gaps);
  try {
    const chosen = scenarios.filter(({ name }) => options.only.includes(name));
    await runRounds(pairsOf(chosen, targets), options, results);
    return { startedAt, machine, options, results, scenarios: chosen, residentBytes: memoryOf(targets) };
  } finally {
    // The mock goes last, so that nobody sees a broken upstream.
    await targets.parley?.stop();
    await targets.reference?.stop();
    await targets.direct?.stop();
  }
}

function profilesSoFar(): string[] {
  return readdirSync(resultsFolder).filter((file) => file.endsWith(".cpuprofile"));
}

/** The gateway writes its profile when it ends. */
function showProfile(before: readonly string[]): void {
  const own = profilesSoFar().find((file) => !before.includes(file));
  if (own === undefined) {
    process.stdout.write("Cannot show a profile: the gateway wrote none, as it was killed or never started\n");
    return;
  }
  const file = join(resultsFolder, own);
  process.stdout.write(`${printHotSpots(file)}\nProfile: ${file}\n`);
}

/** Measures and prints the ranking of targets. Returns whether it is fast enough. */
function showRouting(): boolean {
  const times = measureRouting();
  process.stdout.write(`${printRouting(times)}\n`);
  return [...times.values()].every((us) => us < RANKING_LIMIT_US);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const routingIsFast = !options.routing || showRouting();
  if (options.only.length === 0) return options.gate && !routingIsFast ? 1 : 0;
  mkdirSync(resultsFolder, { recursive: true });
  const profilesBefore = profilesSoFar();
  const report = await run(options);
  const latest = join(resultsFolder, "latest.json");
  writeFileSync(latest, reportAsJson(report));
  process.stdout.write(`${printReport(report)}\n`);
  if (options.profile) showProfile(profilesBefore);
  process.stdout.write(`Written: ${latest}\n`);
  return options.gate && (missedGates(report).length > 0 || !routingIsFast) ? 1 : 0;
}

process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
