import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { SqliteDialect, type Dialect, type SqliteStatement } from "kysely";

// Texts of statements are few: those of the code, and batches by their number of rows.
const MAX_STATEMENTS = 500;

/** How long a statement waits for another connection's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * The dialect over `node:sqlite`: one connection, whose statements are prepared once. Everything runs synchronously in
 * the turn in which it is executed, so whoever writes much writes in small transactions. Throws what SQLite throws.
 */
export function createSqliteDialect(path: string): Dialect {
  return new SqliteDialect({
    database: () => {
      const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
      const statements = new Map<string, SqliteStatement>();
      return Promise.resolve({
        close: () => database.close(),
        prepare(text: string): SqliteStatement {
          const known = statements.get(text);
          if (known) return known;
          const statement = adapt(database.prepare(text));
          if (statements.size >= MAX_STATEMENTS) statements.clear();
          statements.set(text, statement);
          return statement;
        },
      });
    },
  });
}

function adapt(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...parameters.map(toSqlite)),
    run: (parameters) => statement.run(...parameters.map(toSqlite)),
    iterate: (parameters) => statement.iterate(...parameters.map(toSqlite)) as IterableIterator<unknown>,
  };
}

// A number would be bound as a float, and a sum with it would be one: exact only below 2^53.
function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  return (value ?? null) as SQLInputValue;
}
