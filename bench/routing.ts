// What it costs to rank many targets under constraints, in this process: nothing is sent, and nothing encoded.
import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, ConstraintsSchema, Role, textPart } from "../src/contract/index.ts";
import { inputSize } from "../src/ledger/estimate.ts";
import { createLiveTargets } from "../src/routing/live-targets.ts";
import { ModelTable } from "../src/routing/model-table.ts";
import { plan, type PlanPorts } from "../src/routing/plan.ts";
import { DEFAULT_ROUTE_SETTINGS, type RouteStrategy } from "../src/routing/route-settings.ts";
import type { Target } from "../src/routing/target.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { median } from "./statistics.ts";

/** How long it may take to rank `RANKED_TARGETS`, median, in microseconds. */
export const RANKING_LIMIT_US = 200;

const RANKED_TARGETS = 200;
const PLANS = 2_000;
const STRATEGIES: readonly RouteStrategy[] = ["ordered", "weighted", "cheapest", "fastest", "balanced"];

/** Median time of one plan by strategy, in microseconds. */
export type RankingTimes = ReadonlyMap<string, number>;

/** Plans a request again and again while calls end at the targets, as under load: one of them has new statistics each time. */
export function measureRouting(): RankingTimes {
  const runtime = realRuntime();
  const live = createLiveTargets(runtime);
  const targets = Array.from({ length: RANKED_TARGETS }, (_, index) => targetAt(index));
  const callOf = (target: Target, firstContentMs: number): void =>
    live.begin(target, `${target.provider}#1`).end({
      error: undefined,
      firstContentMs,
      durationMs: firstContentMs + 500,
      outputTokens: 80,
      headroom: undefined,
    });
  for (const target of targets) for (let i = 0; i < 10; i++) callOf(target, 100 + runtime.random() * 900);
  const request = create(ChatRequestSchema, {
    model: "all",
    messages: [{ role: Role.USER, parts: [textPart("How much does it cost to choose? ".repeat(20))] }],
    routing: { constraints: { noTraining: true, regions: ["eu", "us"], maxInputNanoUsdPerMillionTokens: 10n ** 12n } },
  });
  const ports: PlanPorts = {
    allowsModel: () => true,
    unsupported: () => [],
    keyConstraints: create(ConstraintsSchema, { denyProviders: ["nobody"] }),
    inputSize,
    live,
    credentialIds: ({ provider }) => [`${provider}#1`],
    random: () => runtime.random(),
    requestId: "req_1",
  };
  const times = new Map<string, number>();
  for (const strategy of STRATEGIES) {
    const table = new ModelTable([{ name: "all", targets, settings: { ...DEFAULT_ROUTE_SETTINGS, strategy } }], []);
    const taken: number[] = [];
    for (let i = 0; i < PLANS; i++) {
      callOf(targets[i % RANKED_TARGETS]!, 100 + runtime.random() * 900);
      const startedMs = runtime.monotonicMs();
      const { targets: ranked } = plan(request, table, ports);
      taken.push((runtime.monotonicMs() - startedMs) * 1_000);
      if (ranked.length !== RANKED_TARGETS)
        throw new Error(`Cannot measure ranking: ${ranked.length} targets are left`);
    }
    // The first tenth runs before the code is compiled.
    times.set(strategy, median(taken.slice(PLANS / 10)) ?? Number.NaN);
  }
  return times;
}

/** The times as the report shows them. */
export function printRouting(times: RankingTimes): string {
  const lines = [...times].map(([strategy, us]) => {
    const verdict = us < RANKING_LIMIT_US ? "met" : "MISSED";
    return `  ${strategy.padEnd(10)} ${us.toFixed(1).padStart(7)} us, target under ${RANKING_LIMIT_US}: ${verdict}`;
  });
  return [`Ranking ${RANKED_TARGETS} targets under constraints, without encoding, median of ${PLANS}:`, ...lines].join(
    "\n",
  );
}

function targetAt(index: number): Target {
  const provider = `p${index % 20}`;
  return {
    name: `${provider}/m${index}`,
    provider,
    model: `m${index}`,
    region: index % 2 === 0 ? "eu" : "us",
    facts: {
      capabilities: {},
      quirks: [],
      contextTokens: 128_000,
      maxOutputTokens: 8_000,
      dataPolicy: { retains: false, trains: false },
      prices: {
        version: "bench",
        entries: [
          { unit: "input", nanoUsd: 1_000_000 + index * 7_919 },
          { unit: "output", nanoUsd: 5_000_000 + index * 104_729 },
        ],
      },
    },
  };
}
