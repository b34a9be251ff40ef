import { CompiledQuery } from "kysely";

const queries = new WeakSet<CompiledQuery>();

/** A statement of one row that SQLite's thread runs with each of many rows: one text to prepare, however many there are. */
export function eachQuery(text: string, rows: readonly (readonly unknown[])[]): CompiledQuery {
  const query = CompiledQuery.raw(text, [...rows]);
  queries.add(query);
  return query;
}

/** Whether a query is such a one. */
export function isEachQuery(query: CompiledQuery): boolean {
  return queries.has(query);
}
