import type { Slice } from "./measure.ts";
import type { Results } from "./results.ts";
import type { ScenarioName, TargetName } from "./scenarios.ts";
import type { Summary } from "./statistics.ts";

/** A target for a ratio or a difference, with what was measured. */
export interface Gate {
  readonly title: string;
  readonly measured: Summary | undefined;
  readonly unit: "x" | "ms";
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Whether the median meets the target. What could not be measured does not. */
export function isMet({ measured, atLeast = -Infinity, atMost = Infinity }: Gate): boolean {
  return measured !== undefined && measured.median >= atLeast && measured.median <= atMost;
}

const cpuOf = (left: Slice, right: Slice): number => left.cpuMicroseconds / right.cpuMicroseconds;
const speedOf = (left: Slice, right: Slice): number => right.cpuMicroseconds / left.cpuMicroseconds;

function minus(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : left - right;
}

/** Latency through a target minus latency of the mock alone, in milliseconds, round by round. */
export function addedLatency(results: Results, scenario: ScenarioName, target: TargetName): Summary | undefined {
  return results.compare([scenario, target], [scenario, "direct"], (through, direct) =>
    minus(through.latencyP50Ms, direct.latencyP50Ms),
  );
}

/** Time to first token through a target minus that of the mock alone, in milliseconds, round by round. */
export function addedFirstToken(results: Results, target: TargetName): Summary | undefined {
  return results.compare(["paced", target], ["paced", "direct"], (through, direct) =>
    minus(through.firstTokenP50Ms, direct.firstTokenP50Ms),
  );
}

/** The targets that the gateway must meet, of those scenarios that ran. */
export function gatesOf(results: Results, ran: ReadonlySet<ScenarioName>): Gate[] {
  const reference = (scenario: ScenarioName) => [scenario, "reference"] as const;
  const speed = (scenario: ScenarioName): Summary | undefined =>
    results.compare([scenario, "parley"], reference("unary"), speedOf);
  const cpu = (scenario: ScenarioName): Summary | undefined =>
    results.compare([scenario, "parley"], reference(scenario), cpuOf);
  const gates: (Gate & { readonly needs: readonly ScenarioName[] })[] = [
    {
      needs: ["unary"],
      title: "REST unary: requests per CPU second, of the reference's",
      unit: "x",
      atLeast: 0.65,
      measured: speed("unary"),
    },
    {
      needs: ["stream"],
      title: "REST streams without pause: CPU per event, of the reference's",
      unit: "x",
      atMost: 1.25,
      measured: cpu("stream"),
    },
    {
      needs: ["paced"],
      title: "REST streams paced 5 ms: CPU per event, of the reference's",
      unit: "x",
      atMost: 1.25,
      measured: cpu("paced"),
    },
    {
      needs: ["paced"],
      title: "Added time to first token, median",
      unit: "ms",
      atMost: 1,
      measured: addedFirstToken(results, "parley"),
    },
    {
      needs: ["unary", "connect-json"],
      title: "Connect unary JSON: calls per CPU second, of the reference's REST",
      unit: "x",
      atLeast: 0.3,
      measured: speed("connect-json"),
    },
    {
      needs: ["unary", "connect-binary"],
      title: "Connect unary binary: calls per CPU second, of the reference's REST",
      unit: "x",
      atLeast: 0.3,
      measured: speed("connect-binary"),
    },
  ];
  return gates.filter(({ needs }) => needs.every((name) => ran.has(name))).map(({ needs: _needs, ...gate }) => gate);
}
