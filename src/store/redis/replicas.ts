import { ParleyError } from "../../errors/index.ts";
import type { Runtime, Timer } from "../../runtime/runtime.ts";
import type { RedisConnection } from "./connection.ts";
import { hashTag, script } from "./script.ts";

/** What a replica says of itself with each heartbeat. */
export interface ReplicaIdentity {
  /** Id of its data folder. */
  readonly id: string;
  /** The life of it. */
  readonly epoch: number;
}

/** A replica that the shared store knows of. */
export interface LiveReplica extends ReplicaIdentity {
  /** Milliseconds since its last heartbeat. */
  readonly silentMs: number;
}

/** How replicas know of each other. */
export interface ReplicasOptions {
  readonly connection: RedisConnection;
  readonly runtime: Runtime;
  readonly self: ReplicaIdentity;
  /** How long a replica may be cut off before it counts as isolated. */
  readonly isolatedAfterMs?: number;
  /** How often it tells that it lives. */
  readonly beatEveryMs?: number;
}

const BEAT_EVERY_MS = 1_000;
/** After this long without a heartbeat a replica counts as dead. */
export const REPLICA_LEASE_MS = 5_000;
const ISOLATED_AFTER_MS = 30_000;

// One hash: ID -> "EPOCH LIFE MILLISECONDS". LIFE is drawn at random, so that a copied data folder is found out.
const BEAT = script(`
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end
local mine = redis.call('HGET', KEYS[1], ARGV[1])
local epoch, life, at = string.match(mine or '', '^(%d+) (%x+) (%d+)$')
-- Whoever came later stays: the dead never come back to say otherwise.
if mine and life ~= ARGV[3] and ARGV[4] ~= 'first' then return {'replaced'} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. whole(now))
local answer = {'ok'}
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local theirs, _, seen = string.match(all[index + 1], '^(%d+) (%x+) (%d+)$')
  local silent = now - tonumber(seen or '0')
  if silent > tonumber(ARGV[5]) then redis.call('HDEL', KEYS[1], all[index])
  else
    answer[#answer + 1] = all[index]
    answer[#answer + 1] = theirs
    answer[#answer + 1] = math.max(0, silent)
  end
end
return answer
`);

const LEAVE = script(`
local mine = redis.call('HGET', KEYS[1], ARGV[1])
if mine and string.match(mine, '^%d+ (%x+) ') == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return {'ok'}
`);

/** Tells the shared store that this replica lives, and knows which others do. */
export class Replicas {
  readonly #connection: RedisConnection;
  readonly #runtime: Runtime;
  readonly #self: ReplicaIdentity;
  readonly #isolatedAfterMs: number;
  readonly #beatEveryMs: number;
  readonly #life: string;
  readonly #key: string;
  #timer: Timer | undefined;
  #live: readonly LiveReplica[] = [];
  #lastBeatMs: number;
  #isReplaced = false;
  #isClosed = false;

  private constructor(options: ReplicasOptions) {
    const { connection, runtime, self } = options;
    this.#connection = connection;
    this.#runtime = runtime;
    this.#self = self;
    this.#isolatedAfterMs = options.isolatedAfterMs ?? ISOLATED_AFTER_MS;
    this.#beatEveryMs = options.beatEveryMs ?? BEAT_EVERY_MS;
    this.#life = runtime.randomHex(8);
    this.#key = `${connection.prefix}:replicas:${hashTag("replicas")}`;
    this.#lastBeatMs = runtime.monotonicMs();
  }

  /** Joins the others. */
  static async join(options: ReplicasOptions): Promise<Replicas> {
    const replicas = new Replicas(options);
    await replicas.#beat("first");
    replicas.#schedule();
    return replicas;
  }

  /** Replicas that live, this one among them; as last heard while the shared store is away. */
  get live(): readonly LiveReplica[] {
    return this.#live;
  }

  /** How many live, at least this one. */
  get count(): number {
    return Math.max(1, this.#live.length);
  }

  /** Milliseconds since the shared store last answered a heartbeat. */
  get silentMs(): number {
    return this.#runtime.monotonicMs() - this.#lastBeatMs;
  }

  /** Whether this replica has been cut off for so long that its policy decides what it may do. */
  get isIsolated(): boolean {
    return this.silentMs > this.#isolatedAfterMs;
  }

  /** Throws where another process lives under this replica's id: both would count the same leases as their own. */
  assertIsSelf(): void {
    if (!this.#isReplaced) return;
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot draw money: another process uses a copy of this data folder (${this.#self.id}); give one of them a new one`,
    );
  }

  /** Tells the others that this replica is going. */
  async leave(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#connection.run(LEAVE, [this.#key], [this.#self.id, this.#life]).catch(() => {});
  }

  #schedule(): void {
    this.#timer = this.#runtime.setTimer(this.#beatEveryMs, () => {
      void this.#beat("again")
        .catch(() => {})
        .finally(() => this.#isClosed || this.#schedule());
    });
  }

  async #beat(which: "first" | "again"): Promise<void> {
    const { id, epoch } = this.#self;
    const args = [id, epoch, this.#life, which, REPLICA_LEASE_MS];
    const [status, ...rest] = await this.#connection.run(BEAT, [this.#key], args);
    if (status === "replaced") this.#isReplaced = true;
    if (status !== "ok") return;
    this.#lastBeatMs = this.#runtime.monotonicMs();
    const live: LiveReplica[] = [];
    for (let index = 0; index < rest.length; index += 3) {
      live.push({ id: String(rest[index]), epoch: Number(rest[index + 1]), silentMs: Number(rest[index + 2]) });
    }
    this.#live = live;
  }
}
