import { CompiledQuery } from "kysely";
import type { Database, Query } from "./database.ts";
import { eachQuery } from "./each-query.ts";
import type { Tables } from "./tables.ts";

/** How rows of a table are written in one statement. */
export interface RowInsert<Table extends keyof Tables> {
  readonly table: Table;
  readonly columns: readonly (keyof Tables[Table] & string)[];
  /** What follows the values, for example what is done where a row is there already. */
  readonly suffix?: string;
}

// One text for each number of rows, built once: building a statement of a thousand values anew costs more than running it.
const texts = new Map<string, string>();

/** Most rows in one statement: PostgreSQL takes at most 65,535 values. */
const MAX_ROWS = 500;

/** Writes rows, as many as there are. None: nothing happens. */
export async function insertRows<Table extends keyof Tables>(
  query: Query,
  kind: Database["kind"],
  insert: RowInsert<Table>,
  rows: readonly Tables[Table][],
): Promise<void> {
  if (kind === "sqlite" && rows.length > 0) {
    const values = rows.map((row) => insert.columns.map((column) => cleaned(row[column])));
    await query.executeQuery(eachQuery(textOf(insert, kind, 1), values));
    return;
  }
  for (let from = 0; from < rows.length; from += MAX_ROWS) {
    const some = rows.slice(from, from + MAX_ROWS);
    const parameters: unknown[] = [];
    for (const row of some) for (const column of insert.columns) parameters.push(cleaned(row[column]));
    await query.executeQuery(CompiledQuery.raw(textOf(insert, kind, some.length), parameters));
  }
}

function textOf(
  { table, columns, suffix = "" }: { table: string; columns: readonly string[]; suffix?: string },
  kind: Database["kind"],
  rows: number,
): string {
  const name = `${kind} ${table} ${rows} ${suffix}`;
  let text = texts.get(name);
  if (text === undefined) {
    let number = 0;
    const place = (): string => (kind === "postgres" ? `$${++number}` : "?");
    const values = Array.from({ length: rows }, () => `(${columns.map(place).join(", ")})`);
    text = `insert into ${table} (${columns.join(", ")}) values ${values.join(", ")} ${suffix}`;
    texts.set(name, text);
  }
  return text;
}

// PostgreSQL's texts cannot hold this sign, which a provider may put into an id.
function cleaned(value: unknown): unknown {
  return typeof value === "string" && value.includes("\u0000") ? value.replaceAll("\u0000", "\uFFFD") : value;
}
