import pg from "pg";
import { PostgresDialect, type Dialect } from "kysely";

/** Bounds of the connections to PostgreSQL; times in milliseconds. */
const POOL = {
  max: 8,
  connectionTimeoutMillis: 3_000,
  idleTimeoutMillis: 60_000,
  statement_timeout: 10_000,
  // A server that no longer answers at all: its own limits do not help then.
  query_timeout: 15_000,
  idle_in_transaction_session_timeout: 30_000,
  keepAlive: true,
  application_name: "parley",
} as const;

const INT8 = 20;

/** The dialect over a pool of `pg`. Throws what `pg` throws where the address cannot be read. */
export function createPostgresDialect(url: string): Dialect {
  const getTypeParser = (oid: number, format?: "text" | "binary"): unknown =>
    oid === INT8 && format !== "binary" ? safeInteger : pg.types.getTypeParser(oid, format as "text");
  const types = { getTypeParser: getTypeParser as typeof pg.types.getTypeParser };
  const pool = new pg.Pool({ ...POOL, connectionString: url, types });
  // Idle connections that break are replaced; whoever asks next is told where that fails too.
  pool.on("error", () => {});
  // The same of a connection in use, of which the pool says nothing: whoever uses it hears by their query's failure.
  pool.on("connect", (client) => client.on("error", () => {}));
  return new PostgresDialect({ pool });
}

// As SQLite does: a number that JavaScript cannot hold is an error, not another number.
function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError("Cannot read a number from the database: it is larger than 2^53; cast it to text");
}
