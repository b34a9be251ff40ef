import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** The folder that one gateway keeps its state in, held until it is closed or the process dies. */
export interface DataFolder {
  /** Absolute path. */
  readonly path: string;
  /** Names whoever runs on this folder among the replicas of a fleet. Made with the folder, and kept as long as it. */
  readonly replicaId: string;
  /**
   * The next epoch: higher than every one given for this folder before and than `above`. On disk before it returns, so
   * that what a dead process wrote is told from what a living one writes.
   */
  claimEpoch(above?: number): number;
  /** Lets the folder go. */
  close(): void;
}

const LOCK_FILE = "lock.sqlite";
const HOLDER_FILE = "holder.json";
const REPLICA_ID_BYTES = 8;
const SQLITE_BUSY = 5;
const SQLITE_NOT_A_DATABASE = 26;

/**
 * Opens the data folder, made with mode 0700 when it is missing. Throws `MISCONFIGURED` when another process holds it or
 * it cannot be written. The lock is SQLite's exclusive lock on a file: the kernel's, so that it dies with the process and
 * no pid has to be trusted (https://sqlite.org/lockingv3.html).
 */
export function openDataFolder(folder: string, runtime: Pick<Runtime, "nowMs" | "randomHex">): DataFolder {
  const path = resolve(folder);
  makeFolder(path);
  const database = lock(path, runtime.randomHex(REPLICA_ID_BYTES));
  writeHolder(path, runtime.nowMs());
  const claim = database.prepare("UPDATE epoch SET value = max(value, ?) + 1 RETURNING value");
  const { id: replicaId } = database.prepare("SELECT id FROM replica").get() as { id: string };
  let open = true;
  return {
    path,
    replicaId,
    claimEpoch(above = 0) {
      return (claim.get(above) as { value: number }).value;
    },
    close() {
      if (!open) return;
      open = false;
      rmSync(join(path, HOLDER_FILE), { force: true });
      database.close();
    },
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // SQLite would make it readable for others. Never opened by hand once it exists: closing any handle of a file drops
    // the process's locks on it.
    closeSync(openSync(join(path, LOCK_FILE), "wx", 0o600));
  } catch (error) {
    if (codeOf(error) === "EEXIST" && statSync(path).isDirectory()) return;
    throw cannotOpen(path, `it cannot be written (${codeOf(error)}); choose another with --data or PARLEY_DATA`, error);
  }
}

function lock(path: string, newReplicaId: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 });
    // In this mode the lock of the first write is kept until the database is closed.
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA synchronous = FULL;
      BEGIN EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS epoch (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
      INSERT OR IGNORE INTO epoch (id, value) VALUES (1, 0);
      CREATE TABLE IF NOT EXISTS replica (id TEXT PRIMARY KEY) STRICT;
      INSERT INTO replica (id) SELECT '${newReplicaId}' WHERE NOT EXISTS (SELECT 1 FROM replica);
      COMMIT;
    `);
    return database;
  } catch (error) {
    database?.close();
    // Extended codes carry the plain one in their low byte.
    const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
    if (code === SQLITE_BUSY) {
      throw cannotOpen(
        path,
        `${holderOf(path)} uses it; stop that process or choose another folder with --data`,
        error,
      );
    }
    if (code === SQLITE_NOT_A_DATABASE) {
      throw cannotOpen(path, `its ${LOCK_FILE} is damaged; delete that file while no gateway uses the folder`, error);
    }
    const text = error instanceof Error ? error.message : "unknown error";
    throw cannotOpen(path, `its ${LOCK_FILE} cannot be locked (${text})`, error);
  }
}

// Only tells people who holds the lock; the lock itself never depends on it.
function writeHolder(path: string, nowMs: number): void {
  const holder = { pid: process.pid, since: new Date(nowMs).toISOString() };
  const temporary = join(path, `${HOLDER_FILE}.tmp`);
  try {
    writeFileSync(temporary, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    renameSync(temporary, join(path, HOLDER_FILE));
  } catch {
    // A full disk: the journal will say so. The lock is held all the same.
  }
}

function holderOf(path: string): string {
  try {
    const { pid, since } = JSON.parse(readFileSync(join(path, HOLDER_FILE), "utf8")) as Record<string, unknown>;
    if (Number.isInteger(pid)) return `process ${String(pid)} (since ${String(since)})`;
  } catch {
    // Not written yet.
  }
  return "another process";
}

function cannotOpen(path: string, why: string, cause: unknown): ParleyError {
  return new ParleyError("MISCONFIGURED", `Cannot open the data folder ${path}: ${why}`, { cause });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}
