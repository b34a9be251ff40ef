import * as z from "zod";
import { NOT_AVAILABLE, type ProblemCode } from "./problem.ts";
import { didYouMean } from "./suggest.ts";

/** What is to be said about one key that a section does not have. */
export interface UnknownKey {
  readonly code: ProblemCode;
  readonly message: string;
}

/**
 * A map with fixed keys. `later` are keys that the format has and this version does not. Unknown keys are one issue
 * whose message is JSON, read by `unknownKeysOf`: zod gives an issue no other place for more than one sentence.
 */
export function section<S extends z.core.$ZodLooseShape>(shape: S, later: readonly string[] = [], what = "a map") {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return `expected ${what} with ${known.join(", ")}`;
      return JSON.stringify((issue.keys as string[]).map((key) => describeUnknown(key, known, later)));
    },
  });
}

function describeUnknown(key: string, known: readonly string[], later: readonly string[]): UnknownKey {
  if (later.includes(key)) {
    return { code: "not_available", message: `${NOT_AVAILABLE}: remove it` };
  }
  const meant = didYouMean(key, known);
  const hint = meant === "" ? `; known here: ${known.join(", ")}` : meant;
  return { code: "unknown_key", message: `unknown key${hint}` };
}

/** What `section` said about the keys of an `unrecognized_keys` issue, in their order. */
export function unknownKeysOf(message: string): UnknownKey[] {
  return JSON.parse(message) as UnknownKey[];
}

/** A list of `item`. */
export function listOf<T extends z.core.SomeType>(item: T, description: string, what: string) {
  return z.array(item, { error: () => `expected ${what}` }).meta({ description });
}

/** A map from names to `value`. */
export function mapOf<T extends z.core.SomeType>(value: T, description: string, what: string) {
  return z.record(z.string(), value, { error: () => `expected ${what}` }).meta({ description });
}

/** One of several shapes that differ in their YAML type. */
export function eitherOf<const T extends readonly z.core.SomeType[]>(shapes: T, description: string, what: string) {
  return z.union(shapes, { error: () => `expected ${what}` }).meta({ description });
}
