import type { Slice } from "./measure.ts";
import type { ScenarioName, TargetName } from "./scenarios.ts";
import { summarise, type Summary } from "./statistics.ts";

/** All slices of a run, by scenario and target, in the order of the rounds. */
export class Results {
  readonly #slices = new Map<string, (Slice | undefined)[]>();
  /** What could not be measured, and why, in words. */
  readonly gaps: string[] = [];

  add(round: number, scenario: ScenarioName, target: TargetName, slice: Slice): void {
    const key = `${scenario} ${target}`;
    const slices = this.#slices.get(key) ?? [];
    slices[round] = slice;
    this.#slices.set(key, slices);
  }

  of(scenario: ScenarioName, target: TargetName): (Slice | undefined)[] {
    return this.#slices.get(`${scenario} ${target}`) ?? [];
  }

  /** One figure of one target over all rounds. */
  figure(scenario: ScenarioName, target: TargetName, figure: keyof Slice): Summary | undefined {
    return summarise(this.of(scenario, target).map((slice) => slice?.[figure]));
  }

  /** Compares two targets round by round, since neighbours in time share the same disturbances. */
  compare(
    left: readonly [ScenarioName, TargetName],
    right: readonly [ScenarioName, TargetName],
    calculate: (left: Slice, right: Slice) => number | undefined,
  ): Summary | undefined {
    const others = this.of(...right);
    return summarise(
      this.of(...left).map((slice, round) => {
        const other = others[round];
        return slice && other ? calculate(slice, other) : undefined;
      }),
    );
  }
}
