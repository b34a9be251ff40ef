import { addedFirstToken, addedLatency, gatesOf, isMet, type Gate } from "./gates.ts";
import type { Machine } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import type { Results } from "./results.ts";
import type { Scenario, ScenarioName, TargetName } from "./scenarios.ts";
import type { Summary } from "./statistics.ts";

/** Everything that a run found, as it is printed and written. */
export interface Report {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly options: BenchOptions;
  readonly results: Results;
  readonly scenarios: readonly Scenario[];
  /** Resident memory after the last slice, in bytes. */
  readonly residentBytes: Readonly<Partial<Record<TargetName, number>>>;
}

const widths = [11, 24, 15, 13, 7, 16, 24];

function digits(value: number): string {
  const places = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(places);
}

/** `41.3 (40.2-42.9)`: the median, and the span over all rounds. */
function span(summary: Summary | undefined): string {
  if (!summary) return "-";
  return `${digits(summary.median)} (${digits(summary.min)}-${digits(summary.max)})`;
}

function whole(value: number | undefined): string {
  return value === undefined ? "-" : Math.round(value).toLocaleString("en-US");
}

function row(cells: readonly string[]): string {
  const padded = cells.map((text, index) =>
    index === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[index] ?? 0),
  );
  return `  ${padded.join("")}`.trimEnd();
}

function targetRow(results: Results, { name }: Scenario, target: TargetName): string | undefined {
  const cpu = results.figure(name, target, "cpuMicroseconds");
  if (!cpu) return undefined;
  const latency = results.figure(name, target, name === "paced" ? "firstTokenP50Ms" : "latencyP50Ms");
  const addedMs = name === "paced" ? addedFirstToken(results, target) : addedLatency(results, name, target);
  const showsAdded = target !== "direct" && (name === "paced" || name === "latency");
  return row([
    target,
    span(cpu),
    whole(1e6 / cpu.median),
    whole(results.figure(name, target, "perSecond")?.median),
    `${Math.round((results.figure(name, target, "coreShare")?.median ?? 0) * 100)}%`,
    latency ? digits(latency.median) : "-",
    showsAdded ? span(addedMs) : "",
  ]);
}

function scenarioTable(results: Results, scenario: Scenario): string[] {
  const { name, unit, title, targets } = scenario;
  const rows = targets.flatMap((target) => targetRow(results, scenario, target) ?? []);
  if (rows.length === 0) return [];
  const timed = name === "paced" ? "first token ms" : "p50 ms";
  const added = name === "paced" || name === "latency" ? "added ms" : "";
  const head = row(["", `CPU us/${unit}`, `${unit}s/CPU s`, `${unit}s/s`, "core", timed, added]);
  return [title, head, ...rows, ""];
}

function gateLine(gate: Gate): string {
  const target = gate.atLeast === undefined ? `<= ${gate.atMost}` : `>= ${gate.atLeast}`;
  const verdict = gate.measured === undefined ? "not measured" : isMet(gate) ? "met" : "not met";
  return `  ${verdict.padEnd(13)}${gate.title.padEnd(74)}${span(gate.measured).padStart(20)}  target ${target} ${gate.unit}`;
}

function heading({ machine, options }: Report): string[] {
  const { pinning } = machine;
  const cores = pinning
    ? `driver and mock on core ${pinning.driverCore}, reference and gateway on core ${pinning.targetCore}`
    : "NOT pinned to cores (needs Linux, taskset and two cores): expect more noise";
  const busy = machine.loadBefore > 0.5 ? "; others are at work here, so read medians with care" : "";
  return [
    `Node ${machine.node}, ${machine.platform}, ${machine.processor}, ${machine.cores} cores; ${cores}`,
    `${options.rounds} rounds of ${options.sliceMs} ms slices, targets in turn; load average before ${machine.loadBefore}${busy}`,
    ...(options.profile ? ["The gateway runs under the profiler: its figures are too high and prove nothing"] : []),
    "",
  ];
}

const ranOf = ({ scenarios }: Report): Set<ScenarioName> => new Set(scenarios.map(({ name }) => name));

/** The targets that were missed or could not be measured. */
export function missedGates(report: Report): Gate[] {
  return gatesOf(report.results, ranOf(report)).filter((gate) => !isMet(gate));
}

/** The report for people: one table per scenario, memory, and the targets. */
export function printReport(report: Report): string {
  const { results, scenarios } = report;
  const gates = gatesOf(results, ranOf(report));
  const memory = Object.entries(report.residentBytes).map(
    ([name, bytes]) => `${name} ${Math.round(bytes / 2 ** 20)} MB`,
  );
  return [
    ...heading(report),
    ...scenarios.flatMap((scenario) => scenarioTable(results, scenario)),
    ...(memory.length > 0 ? [`Resident memory after the load: ${memory.join(", ")}`, ""] : []),
    ...(gates.length > 0 ? ["Targets (median of the rounds, least and greatest)", ...gates.map(gateLine), ""] : []),
    ...results.gaps.map((gap) => `Not measured: ${gap}`),
  ].join("\n");
}

/** The same for programs, every slice included. */
export function reportAsJson(report: Report): string {
  const { results, scenarios, startedAt, machine, options, residentBytes } = report;
  const figures = scenarios.flatMap(({ name, title, unit, targets }) =>
    targets.map((target) => ({ scenario: name, title, unit, target, rounds: results.of(name, target) })),
  );
  const gates = gatesOf(results, ranOf(report)).map((gate) => ({ ...gate, met: isMet(gate) }));
  const added = {
    latencyMs: addedLatency(results, "latency", "parley"),
    firstTokenMs: addedFirstToken(results, "parley"),
  };
  const all = { startedAt, machine, options, gates, added, residentBytes, gaps: results.gaps, figures };
  return `${JSON.stringify(all, null, 2)}\n`;
}
