import { closeSync, openSync } from "node:fs";
import { CompiledQuery, Kysely, type Transaction } from "kysely";
import { ParleyError } from "../../errors/index.ts";
import { migrate } from "./migrate.ts";
import { createPostgresDialect } from "./postgres-dialect.ts";
import { classifySqlError, sqlError } from "./sql-error.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";
import type { Tables } from "./tables.ts";

/** What a query is written with, within a transaction or not. */
export type Query = Kysely<Tables>;

/** SQL: SQLite in the data folder, or PostgreSQL. The same tables and the same queries in both. */
export interface Database {
  readonly kind: "sqlite" | "postgres";
  /** Runs queries. `what` completes "Cannot …" in the `ParleyError` that any failure becomes. */
  run<T>(what: string, work: (query: Query) => Promise<T>): Promise<T>;
  /** The same as one transaction, begun again where the database asks for it. */
  transaction<T>(what: string, work: (query: Transaction<Tables>) => Promise<T>): Promise<T>;
  /** Resolves when what was committed survives the loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Which database; a file is made with mode 0600 where it is missing. */
export type DatabaseOptions = { readonly file: string } | { readonly url: string };

const MAX_TRIES = 5;

/**
 * Opens the database and brings its tables up to date. Throws `MISCONFIGURED` when it cannot be reached, or was made by a
 * newer Parley. The address of a PostgreSQL never shows in an error.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const kind = "url" in options ? "postgres" : "sqlite";
  const place = "url" in options ? "the database of PARLEY_DATABASE_URL" : options.file;
  let query: Query | undefined;
  try {
    query = new Kysely<Tables>({ dialect: dialectOf(options) });
    const database = new SqlDatabase(kind, query);
    await migrate(database);
    return database;
  } catch (thrown) {
    await query?.destroy().catch(() => {});
    if (thrown instanceof ParleyError && thrown.cause === undefined) throw thrown;
    throw new ParleyError("MISCONFIGURED", `Cannot open ${place}: ${reasonOf(thrown)}`, { cause: thrown });
  }
}

function dialectOf(options: DatabaseOptions) {
  if ("url" in options) return createPostgresDialect(options.url);
  // SQLite would make it readable for others.
  closeSync(openSync(options.file, "a", 0o600));
  return createSqliteDialect(options.file);
}

function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof ParleyError ? thrown.cause : thrown;
  const { code, errcode } = cause as { readonly code?: string; readonly errcode?: number };
  const told = errcode === undefined ? code : `SQLite ${errcode}`;
  switch (classifySqlError(cause)) {
    case "away":
    case "retry":
      return `it does not answer (${told ?? "no connection"})`;
    case "full":
      return "its disk is full";
    default:
      return told === undefined ? "its address cannot be read" : `it refuses (${told})`;
  }
}

class SqlDatabase implements Database {
  readonly kind: Database["kind"];
  readonly #query: Query;

  constructor(kind: Database["kind"], query: Query) {
    this.kind = kind;
    this.#query = query;
  }

  async run<T>(what: string, work: (query: Query) => Promise<T>): Promise<T> {
    try {
      return await work(this.#query);
    } catch (thrown) {
      throw sqlError(what, thrown);
    }
  }

  async transaction<T>(what: string, work: (query: Transaction<Tables>) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#query.transaction().execute(work);
      } catch (thrown) {
        if (tries < MAX_TRIES && classifySqlError(thrown) === "retry") continue;
        throw sqlError(what, thrown);
      }
    }
  }

  // PostgreSQL's commit waits for its disk. SQLite's, in WAL mode, for the next checkpoint.
  async sync(): Promise<void> {
    if (this.kind === "postgres") return;
    await this.run("write the database to the disk", (query) =>
      query.executeQuery(CompiledQuery.raw("PRAGMA wal_checkpoint(FULL)")),
    );
  }

  async close(): Promise<void> {
    await this.#query.destroy();
  }
}
