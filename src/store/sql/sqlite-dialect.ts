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
import { ScriptPacker } from "./script-pack.ts";
import { scriptOf } from "./script-query.ts";
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

  async acquireConnection(): Promise<ThreadConnection> {
    return Promise.resolve((this.#connection ??= new ThreadConnection(this.#path)));
  }

  async beginTransaction(connection: ThreadConnection): Promise<void> {
    connection.begin();
    return Promise.resolve();
  }

  async commitTransaction(connection: ThreadConnection): Promise<void> {
    await connection.end("commit");
  }

  async rollbackTransaction(connection: ThreadConnection): Promise<void> {
    await connection.end("rollback");
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
  #begins = false;
  #packer = new ScriptPacker();

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

  /** A transaction begins with the next query, in one message with it. */
  begin(): void {
    this.#begins = true;
  }

  /** Ends the transaction, if anything was done in it. */
  async end(how: "commit" | "rollback"): Promise<void> {
    if (this.#begins) this.#begins = false;
    else await this.executeQuery(CompiledQuery.raw(how));
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const id = ++this.#lastId;
    const begins = this.#begins;
    this.#begins = false;
    const steps = scriptOf(query);
    // What was asked may still be read; as a rule a connection is asked one thing at a time.
    if (steps && this.#waiting.size > 0) this.#packer = new ScriptPacker();
    const { sql, parameters } = query;
    return this.#ask(
      steps
        ? { kind: "script", id, begins, script: this.#packer.pack(steps), memory: this.#packer.memory }
        : { kind: "run", id, begins, sql, parameters: JSON.stringify(parameters) },
    ) as Promise<QueryResult<R>>;
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

  #ask(question: Exclude<SqliteQuestion, { readonly kind: "close" }>): Promise<QueryResult<unknown>> {
    const waiting = Promise.withResolvers<QueryResult<unknown>>();
    // A process that waits for nothing else still waits for this.
    if (this.#waiting.size === 0) this.#worker.ref();
    this.#waiting.set(question.id, waiting);
    this.#worker.postMessage(question);
    return waiting.promise;
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
