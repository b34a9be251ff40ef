import type { Answer, Mutation, Source } from "./answer.ts";
import { BYTE_MUTATIONS, EXCHANGE_MUTATIONS } from "./byte-mutations.ts";
import type { Dice } from "./dice.ts";
import { EVENT_MUTATIONS } from "./event-mutations.ts";
import { JSON_MUTATIONS } from "./json-mutations.ts";

/** A malformed answer. */
export interface Mutant extends Answer {
  readonly source: Source;
  /** What was done to it, in order. */
  readonly changes: readonly string[];
}

// In the order in which they apply: what needs whole JSON or whole events comes before what breaks them.
const STAGES: readonly { readonly share: number; readonly mutations: Readonly<Record<string, Mutation>> }[] = [
  { share: 0.5, mutations: JSON_MUTATIONS },
  { share: 0.35, mutations: EVENT_MUTATIONS },
  { share: 0.3, mutations: BYTE_MUTATIONS },
  { share: 0.15, mutations: EXCHANGE_MUTATIONS },
];

const AGAIN = 0.35;

/** Every mutation there is, by what it does. */
export const MUTATIONS: readonly string[] = STAGES.flatMap(({ mutations }) => Object.keys(mutations));

/** A source with one change or a few. */
export function mutate(source: Source, others: readonly Source[], dice: Dice): Mutant {
  let answer: Answer = source;
  const changes: string[] = [];
  const apply = (mutations: Readonly<Record<string, Mutation>>): void => {
    const [name, mutation] = dice.pick(Object.entries(mutations));
    answer = mutation(answer, dice, others);
    changes.push(name);
  };
  // Most often once, sometimes again and again.
  for (const { share, mutations } of STAGES) {
    for (let chance = share; dice.chance(chance); chance = AGAIN) apply(mutations);
  }
  while (changes.length === 0) apply(dice.pick(STAGES).mutations);
  const { status, headers, body, stream, ending } = answer;
  return { status, headers, body, stream, ending, source, changes };
}
