import { Cluster, Redis } from "ioredis";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import { checkServers } from "./check-servers.ts";
import { parseRedisUrl, type RedisAddress } from "./redis-url.ts";
import type { Script } from "./script.ts";

/** Whether the shared store answers. */
export type RedisState =
  | { readonly kind: "connected" }
  /** `sinceMs` is monotonic. */
  | { readonly kind: "away"; readonly sinceMs: number };

/** How a connection is made and kept. */
export interface RedisConnectionOptions {
  readonly url: string;
  readonly runtime: Runtime;
  /** Begins every key and channel, so that several gateways can share a server. */
  readonly prefix?: string;
  /** Longest wait for one answer. */
  readonly commandTimeoutMs?: number;
  /** Told of every change between connected and away. */
  readonly onState?: (state: RedisState) => void;
}

/** What a script answers: a list of texts and whole numbers. */
export type ScriptAnswer = readonly (string | number)[];

const DEFAULT_COMMAND_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 3_000;
const PROBE_EVERY_MS = 250;
const BACKOFF_MS = { first: 50, most: 1_000 };

/**
 * A connection to Redis, alone or a cluster, that says at once when it is away: nothing waits in a queue, and nothing is
 * sent a second time behind the back of who knows what a second time means.
 */
export class RedisConnection {
  readonly address: RedisAddress;
  readonly prefix: string;
  readonly #client: Redis | Cluster;
  readonly #subscriber: Redis | Cluster;
  readonly #runtime: Runtime;
  readonly #onState: ((state: RedisState) => void) | undefined;
  #state: RedisState;
  #isProbing = false;
  #nextProbe: Timer | undefined;
  #isClosed = false;

  private constructor(options: RedisConnectionOptions) {
    this.address = parseRedisUrl(options.url);
    this.prefix = options.prefix ?? "parley";
    this.#runtime = options.runtime;
    this.#onState = options.onState;
    this.#state = { kind: "away", sinceMs: options.runtime.monotonicMs() };
    const timeoutMs = options.commandTimeoutMs ?? DEFAULT_COMMAND_TIMEOUT_MS;
    this.#client = createClient(this.address, this.#runtime, timeoutMs);
    this.#subscriber = createClient(this.address, this.#runtime, timeoutMs);
    for (const client of [this.#client, this.#subscriber]) {
      // What goes wrong is told by the command that met it; without a listener the process would end.
      client.on("error", () => {});
    }
    this.#client.on("close", () => this.#away());
    this.#client.on("ready", () => this.#ping());
  }

  /** Connects, and checks that the servers can be trusted with money. Throws `ParleyError`. */
  static async open(options: RedisConnectionOptions): Promise<RedisConnection> {
    const connection = new RedisConnection(options);
    try {
      await Promise.all([connection.#client.connect(), connection.#subscriber.connect()]);
      await checkServers(nodesOf(connection.#client), connection.address.text);
      connection.#connected();
      return connection;
    } catch (error) {
      connection.close();
      if (error instanceof ParleyError) throw error;
      throw new ParleyError("MISCONFIGURED", `Cannot use Redis at ${connection.address.text}: ${whyOf(error)}`, {
        cause: error,
      });
    }
  }

  get state(): RedisState {
    return this.#state;
  }

  /** Where messages to other replicas come in; commands do not belong here. */
  get subscriber(): Redis | Cluster {
    return this.#subscriber;
  }

  /**
   * Runs a script once. Throws a `ParleyError` where Redis is away or gives no answer in time: then it is unknown whether
   * the script ran.
   */
  async run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<ScriptAnswer> {
    if (this.#state.kind === "away") throw this.awayError();
    try {
      return await this.#evaluate(script, keys, args);
    } catch (error) {
      if (isAnswer(error)) {
        throw new ParleyError("GATEWAY_INTERNAL", "Cannot use the shared store: Redis refused a script of ours", {
          cause: error,
        });
      }
      // One late answer says little about Redis: the next probe finds out.
      this.#ping();
      throw this.awayError(error);
    }
  }

  /** Tells a channel something, without waiting for anybody. */
  publish(channel: string, text: string): void {
    if (this.#state.kind === "connected") this.#client.publish(channel, text).catch(() => {});
  }

  /** Why nothing can be asked at the moment. */
  awayError(cause?: unknown): ParleyError {
    const why = this.#state.kind === "away" ? "is away" : "did not answer in time";
    return new ParleyError("GATEWAY_OVERLOADED", `Cannot use the shared store: Redis at ${this.address.text} ${why}`, {
      cause,
    });
  }

  /** Ends at once. */
  close(): void {
    this.#isClosed = true;
    this.#nextProbe?.cancel();
    this.#client.disconnect();
    this.#subscriber.disconnect();
  }

  async #evaluate(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<ScriptAnswer> {
    const all = [...keys, ...args];
    try {
      return (await this.#client.evalsha(script.sha1, keys.length, ...all)) as ScriptAnswer;
    } catch (error) {
      if (!isAnswer(error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return (await this.#client.eval(script.source, keys.length, ...all)) as ScriptAnswer;
    }
  }

  // While nothing answers, a ping now and then finds out when something does: a frozen server keeps its connections.
  #ping(): void {
    if (this.#isProbing || this.#isClosed) return;
    this.#isProbing = true;
    this.#nextProbe?.cancel();
    const nodes = nodesOf(this.#client);
    Promise.all(nodes.map((node) => node.ping())).then(
      () => this.#pinged(nodes.length > 0),
      () => this.#pinged(false),
    );
  }

  #pinged(answers: boolean): void {
    this.#isProbing = false;
    if (this.#isClosed) return;
    if (answers) return this.#connected();
    this.#away();
    this.#nextProbe = this.#runtime.setTimer(PROBE_EVERY_MS, () => this.#ping());
  }

  #connected(): void {
    if (this.#state.kind === "connected" || this.#isClosed) return;
    this.#state = { kind: "connected" };
    this.#onState?.(this.#state);
  }

  #away(): void {
    if (this.#state.kind === "away" || this.#isClosed) return;
    this.#state = { kind: "away", sinceMs: this.#runtime.monotonicMs() };
    this.#onState?.(this.#state);
  }
}

function createClient(address: RedisAddress, runtime: Runtime, commandTimeoutMs: number): Redis | Cluster {
  const { nodes, username, password, database, tls, isCluster } = address;
  const backoffMs = (times: number): number =>
    Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(times, 10)) * (0.5 + runtime.random() / 2);
  const common = {
    commandTimeout: commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (!isCluster) {
    const retryStrategy = backoffMs;
    return new Redis({
      ...common,
      ...nodes[0]!,
      db: database,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy,
    });
  }
  return new Cluster(
    nodes.map((node) => ({ ...node })),
    {
      redisOptions: common,
      lazyConnect: true,
      enableOfflineQueue: false,
      clusterRetryStrategy: backoffMs,
      clusterNodeRetryStrategy: backoffMs,
      slotsRefreshInterval: 1_000,
      // 0: a command whose connection broke is ours to send again.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
    },
  );
}

function nodesOf(client: Redis | Cluster): readonly Redis[] {
  return client instanceof Cluster ? client.nodes("master") : [client];
}

/** Whether Redis itself has said no, in which case the command had no effect. */
function isAnswer(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

function whyOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? "it does not answer";
}
