import { Worker } from "node:worker_threads";
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from "kysely";
import { isEachQuery } from "./each-query.ts";
import type { SqliteAnswer, SqliteQuestion } from "./sqlite-messages.ts";

/**
 * The dialect over `node:sqlite` in a thread of its own: a statement that takes long, or waits for the disk as a
 * checkpoint does, holds up no request. One connection; whoever has a transaction has it alone. Rejects with what SQLite
 * throws.
 */
export function createSqliteDialect(path: string): Dialect {
  return {
    createDriver: () => new ThreadDriver(path),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (database) => new SqliteIntrospector(database),
  };
}

class ThreadDriver implements Driver {
  readonly #path: string;
  #connection: ThreadConnection | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve((this.#connection ??= new ThreadConnection(this.#path)));
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    await this.#connection?.close();
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<QueryResult<unknown>>>();
  readonly #ended: Promise<void>;
  #lastId = 0;

  constructor(path: string) {
    this.#worker = new Worker(new URL("sqlite-worker.ts", import.meta.url), { workerData: { path } });
    this.#worker.unref();
    this.#worker.on("message", (answer: SqliteAnswer) => this.#settle(answer));
    this.#worker.on("error", (thrown) => this.#failAll(thrown));
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#failAll(new Error("Cannot use the database: the connection is closed"));
        resolve();
      });
    });
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters } = query;
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<QueryResult<unknown>>();
    // A process that waits for nothing else still waits for this.
    if (this.#waiting.size === 0) this.#worker.ref();
    this.#waiting.set(id, waiting);
    const question = {
      kind: isEachQuery(query) ? "each" : "run",
      id,
      sql,
      parameters: JSON.stringify(parameters),
    } as const;
    this.#worker.postMessage(question satisfies SqliteQuestion);
    return waiting.promise as Promise<QueryResult<R>>;
  }

  // oxlint-disable-next-line require-yield -- nothing streams: pages do.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new RangeError("Cannot stream from SQLite: ask for pages");
  }

  async close(): Promise<void> {
    this.#worker.ref();
    this.#worker.postMessage({ kind: "close" } satisfies SqliteQuestion);
    await this.#ended;
  }

  #settle(answer: SqliteAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if ("error" in answer) {
      const { message, code, errcode } = answer.error;
      waiting?.reject(Object.assign(new Error(message), { code, errcode }));
    } else {
      const { rows, changes } = answer;
      waiting?.resolve(changes === undefined ? { rows } : { rows, numAffectedRows: changes });
    }
  }

  #failAll(thrown: unknown): void {
    for (const waiting of this.#waiting.values()) waiting.reject(thrown);
    this.#waiting.clear();
  }
}
