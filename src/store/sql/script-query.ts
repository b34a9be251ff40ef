import { CompiledQuery } from "kysely";

/** A statement that is run with each row of parameters: one text to prepare, however many rows there are. */
export interface ScriptStep {
  readonly sql: string;
  readonly rows: readonly (readonly unknown[])[];
}

const scripts = new WeakMap<CompiledQuery, readonly ScriptStep[]>();

/**
 * Statements that SQLite's thread runs one after the other: waking a thread costs more than most of them. Its rows are
 * one array for each step. Stops at the first that fails.
 */
export function scriptQuery(steps: readonly ScriptStep[]): CompiledQuery<unknown[]> {
  const query = CompiledQuery.raw("-- a script", []) as CompiledQuery<unknown[]>;
  scripts.set(query, steps);
  return query;
}

/** The steps of a query that is a script. */
export function scriptOf(query: CompiledQuery): readonly ScriptStep[] | undefined {
  return scripts.get(query);
}
