import type { PackedScript } from "./script-pack.ts";

/**
 * What the thread of SQLite is asked. Parameters are JSON: copying one text costs less than copying a thousand values.
 * `begins`: a transaction begins before it. A script stands packed in `memory`, which both threads share.
 */
export type SqliteQuestion =
  | {
      readonly kind: "run";
      readonly id: number;
      readonly begins: boolean;
      readonly sql: string;
      readonly parameters: string;
    }
  | {
      readonly kind: "script";
      readonly id: number;
      readonly begins: boolean;
      readonly memory: SharedArrayBuffer;
      readonly script: PackedScript;
    }
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
