// The thread that SQLite runs in, since it works synchronously and waits for the disk: neither may hold up a request.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { unpackScript } from "./script-pack.ts";
import type { ScriptStep } from "./script-query.ts";
import type { SqliteAnswer, SqliteQuestion } from "./sqlite-messages.ts";

// Texts of statements are few: those of the code, and batches by their number of rows.
const MAX_STATEMENTS = 500;

/** How long a statement waits for another connection's write, in milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;

const port = parentPort!;
const statements = new Map<string, StatementSync>();
let database: DatabaseSync | undefined;

port.on("message", (question: SqliteQuestion) => {
  if (question.kind === "close") {
    database?.close();
    port.close();
    return;
  }
  port.postMessage(answer(question));
});

function answer(question: Exclude<SqliteQuestion, { readonly kind: "close" }>): SqliteAnswer {
  const { id } = question;
  try {
    if (question.begins) prepare("begin").run();
    if (question.kind === "script") {
      return { id, rows: unpackScript(question.memory, question.script).map(runStep), changes: undefined };
    }
    const statement = prepare(question.sql);
    const values = (JSON.parse(question.parameters) as unknown[]).map(toSqlite);
    if (statement.columns().length > 0) return { id, rows: statement.all(...values), changes: undefined };
    return { id, rows: [], changes: BigInt(statement.run(...values).changes) };
  } catch (thrown) {
    const { message, code, errcode } = thrown as { message: string; code?: string; errcode?: number };
    return { id, error: { message, code, errcode } };
  }
}

function runStep({ sql, rows }: ScriptStep): unknown[] {
  const statement = prepare(sql);
  if (statement.columns().length > 0) return rows.flatMap((row) => statement.all(...row.map(toSqlite)));
  for (const row of rows) statement.run(...row.map(toSqlite));
  return [];
}

function prepare(text: string): StatementSync {
  const known = statements.get(text);
  if (known) return known;
  const statement = (database ??= open()).prepare(text);
  if (statements.size >= MAX_STATEMENTS) statements.clear();
  statements.set(text, statement);
  return statement;
}

function open(): DatabaseSync {
  const { path } = workerData as { readonly path: string };
  const opened = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  // Rows of the ledger come in order: larger pages spare calls to the system, a third of what it costs.
  opened.exec(`
    PRAGMA page_size = 16384;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -16384;
    PRAGMA wal_autocheckpoint = 1000;
  `);
  return opened;
}

// A number would be bound as a float, and a sum with it would be one: exact only below 2^53.
function toSqlite(value: unknown): SQLInputValue {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  return (value ?? null) as SQLInputValue;
}
