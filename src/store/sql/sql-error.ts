import { ParleyError } from "../../errors/index.ts";

/** What a failed statement means for who asked. */
export type SqlFailure = "away" | "conflict" | "retry" | "full" | "defect";

// Classes of SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html): connections, lack of resources,
// the operator's intervention (shutdown, statement timeout).
const AWAY_CLASSES = new Set(["08", "53", "57"]);
// Serialization failure and deadlock.
const RETRY_STATES = new Set(["40001", "40P01"]);
const UNIQUE_STATE = "23505";
const READ_ONLY_STATE = "25006";

// Primary codes of SQLite (https://sqlite.org/rescode.html).
const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_READONLY = 8;
// Extended codes.
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

const SOCKET_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ETIMEDOUT",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "ECONNABORTED",
]);

interface DriverError {
  readonly code?: string;
  readonly errcode?: number;
  readonly message?: string;
}

/** What an error of either driver means. */
export function classifySqlError(thrown: unknown): SqlFailure {
  const { code, errcode, message = "" } = thrown as DriverError;
  if (errcode !== undefined) return classifySqlite(errcode);
  if (code === UNIQUE_STATE) return "conflict";
  if (code !== undefined && RETRY_STATES.has(code)) return "retry";
  if (code === READ_ONLY_STATE) return "away"; // a standby that was promoted elsewhere
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && AWAY_CLASSES.has(code.slice(0, 2))) return "away";
  if (code !== undefined && SOCKET_CODES.has(code)) return "away";
  // `pg` gives its own time-outs and lost connections no code.
  const isOfConnection = code === undefined && thrown instanceof Error && /connection|timeout/i.test(message);
  return isOfConnection ? "away" : "defect";
}

function classifySqlite(errcode: number): SqlFailure {
  if (errcode === SQLITE_CONSTRAINT_PRIMARYKEY || errcode === SQLITE_CONSTRAINT_UNIQUE) return "conflict";
  const primary = errcode & 0xff;
  if (primary === SQLITE_BUSY) return "retry";
  if (primary === SQLITE_FULL) return "full";
  return [SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY].includes(primary) ? "away" : "defect";
}

/** The error callers see: what could not be done and why, without any value of a statement and without the address. */
export function sqlError(what: string, thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  const failure = classifySqlError(thrown);
  const { code, errcode } = thrown as DriverError;
  const told = errcode === undefined ? code : `SQLite ${errcode}`;
  const suffix = told === undefined ? "" : ` (${told})`;
  const options = { cause: thrown };
  switch (failure) {
    case "conflict":
      return new ParleyError("CONFLICT", `Cannot ${what}: it is there already`, options);
    case "away":
    case "retry":
      return new ParleyError("GATEWAY_OVERLOADED", `Cannot ${what}: the database does not answer${suffix}`, options);
    case "full":
      return new ParleyError("GATEWAY_OVERLOADED", `Cannot ${what}: the database's disk is full`, options);
    case "defect":
      return new ParleyError(
        "GATEWAY_INTERNAL",
        `Cannot ${what}: the database refuses the statement${suffix}`,
        options,
      );
  }
}
