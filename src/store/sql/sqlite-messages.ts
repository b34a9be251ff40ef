/**
 * What the thread of SQLite is asked. Parameters are JSON: copying one text costs less than copying a thousand values.
 * `each`: they are rows, and the statement is run with each of them.
 */
export type SqliteQuestion =
  | { readonly kind: "run" | "each"; readonly id: number; readonly sql: string; readonly parameters: string }
  | { readonly kind: "close" };

/** What it answers to a statement. */
export type SqliteAnswer =
  | { readonly id: number; readonly rows: unknown[]; readonly changes: bigint | undefined }
  | { readonly id: number; readonly error: SqliteFailure };

/** An error of SQLite, as far as it travels between threads. */
export interface SqliteFailure {
  readonly message: string;
  readonly code: string | undefined;
  readonly errcode: number | undefined;
}
