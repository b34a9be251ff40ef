import { CompiledQuery } from "kysely";
import type { Database, Query } from "./database.ts";
import type { ScriptStep } from "./script-query.ts";
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

/** The same as a step of a script in SQLite. */
export function insertStep<Table extends keyof Tables>(
  insert: RowInsert<Table>,
  rows: readonly Tables[Table][],
): ScriptStep {
  const values = rows.map((row) => insert.columns.map((column) => row[column]));
  return { sql: textOf(insert, "sqlite", 1), rows: values };
}

/** Writes rows to PostgreSQL, as many as there are. None: nothing happens. */
export async function insertRows<Table extends keyof Tables>(
  query: Query,
  insert: RowInsert<Table>,
  rows: readonly Tables[Table][],
): Promise<void> {
  for (let from = 0; from < rows.length; from += MAX_ROWS) {
    const some = rows.slice(from, from + MAX_ROWS);
    const parameters: unknown[] = [];
    for (const row of some) for (const column of insert.columns) parameters.push(cleaned(row[column]));
    await query.executeQuery(CompiledQuery.raw(textOf(insert, "postgres", some.length), parameters));
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
