import { Effort, type Reasoning } from "../../contract/index.ts";

const WORDS: Readonly<Record<number, string>> = {
  [Effort.NONE]: "none",
  [Effort.MINIMAL]: "minimal",
  [Effort.LOW]: "low",
  [Effort.MEDIUM]: "medium",
  [Effort.HIGH]: "high",
  [Effort.XHIGH]: "xhigh",
  [Effort.MAX]: "max",
};

const LADDER = Object.values(WORDS);

// A budget in tokens as an effort: the figures at which controls by budget and by effort are commonly equated.
const BUDGET_STEPS: readonly (readonly [maxTokens: number, effort: string])[] = [
  [1024, "minimal"],
  [4096, "low"],
  [16_384, "medium"],
  [32_768, "high"],
];

/** Which field asks for an effort, and for which one. */
export interface AskedEffort {
  readonly field: string;
  readonly requested: unknown;
  readonly effort: string;
}

/** The word for an effort; undefined where none is told. */
export function wordOf(effort: Effort): string | undefined {
  return WORDS[effort];
}

/** The effort that a request asks for, if only by a budget or by wanting reasoning at all. */
export function askedEffort({ effort, budgetTokens: budget }: Reasoning): AskedEffort {
  const word = wordOf(effort);
  if (word !== undefined) return { field: "reasoning.effort", requested: word, effort: word };
  if (budget === undefined) return { field: "reasoning.enabled", requested: true, effort: "medium" };
  const step = BUDGET_STEPS.find(([maxTokens]) => budget <= maxTokens);
  return { field: "reasoning.budget_tokens", requested: budget, effort: step?.[1] ?? "xhigh" };
}

/** The nearest of the offered efforts, the lesser one of two; never none, which would switch reasoning off. */
export function snapEffort(asked: string, efforts: readonly string[]): string {
  const offered = efforts.filter((effort) => effort !== "none");
  if (offered.length === 0 || offered.includes(asked)) return asked;
  const place = LADDER.indexOf(asked);
  const distance = (effort: string): number => Math.abs(LADDER.indexOf(effort) - place);
  return offered.reduce((best, effort) => (distance(effort) < distance(best) ? effort : best));
}
