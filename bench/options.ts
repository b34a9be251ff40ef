import { parseArgs } from "node:util";
import { scenarioNames, type ScenarioName } from "./scenarios.ts";

/** What the command line asked for. Times in milliseconds. */
export interface BenchOptions {
  readonly quick: boolean;
  /** Whether a missed target fails the process. */
  readonly gate: boolean;
  /** Whether the gateway runs under the profiler. */
  readonly profile: boolean;
  readonly only: readonly ScenarioName[];
  /** Whether the ranking of targets is measured, in this process. */
  readonly routing: boolean;
  readonly rounds: number;
  /** Length of one measured slice; paced streams take twice that. */
  readonly sliceMs: number;
  /** Discarded at the begin of each slice, while connections open. */
  readonly settleMs: number;
  /** Longest warm-up of each target in each scenario before the first round. */
  readonly warmUpMaxMs: number;
}

/** What `--only` calls the ranking of targets, which needs no gateway. */
const ROUTING = "routing";

/** Text of `npm run bench -- --help`. */
export const usage = `npm run bench -- [flags]
  --quick         two short rounds (under 40 s) instead of five (under 4 min)
  --only A,B      only these: ${scenarioNames.join(", ")}, ${ROUTING}
                  (connect stands for all that begin with connect-)
  --rounds N      1 to 20 rounds
  --gate          exit with 1 when a target is missed or could not be measured
  --profile       run the gateway with --cpu-prof, and print its hot spots and where the profile is
  --help          this text`;

function chooseScenarios(only: string | undefined): ScenarioName[] {
  if (only === undefined) return [...scenarioNames];
  return only.split(",").flatMap((word) => {
    if (word === ROUTING) return [];
    const chosen = scenarioNames.filter((name) => name === word || name.startsWith(`${word}-`));
    if (chosen.length === 0) {
      throw new Error(
        `Cannot choose scenarios: --only names ${word}, but there are ${scenarioNames.join(", ")}, ${ROUTING}`,
      );
    }
    return chosen;
  });
}

/** Reads the command line; undefined when help was asked for. Throws on unknown flags and values. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { quick: flag, gate: flag, profile: flag, help: flag, only: text, rounds: text },
  });
  if (values.help) return undefined;
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 20) {
    throw new Error(`Cannot run ${values.rounds} rounds: --rounds takes a whole number from 1 to 20`);
  }
  const times = values.quick
    ? { sliceMs: 300, settleMs: 150, warmUpMaxMs: 800 }
    : { sliceMs: 1_500, settleMs: 250, warmUpMaxMs: 4_000 };
  const { quick, gate, profile } = values;
  const routing = values.only?.split(",").includes(ROUTING) ?? true;
  return { quick, gate, profile, only: chooseScenarios(values.only), routing, rounds, ...times };
}
