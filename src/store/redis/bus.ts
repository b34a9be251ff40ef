import type { RedisConnection } from "./connection.ts";

/** What replicas tell each other about. */
export type BusTopic = "bank" | "health" | "keys" | "policies";

const TOPICS: readonly BusTopic[] = ["bank", "health", "keys", "policies"];

/**
 * Short messages between replicas, over the shared store's channels. A message reaches whoever is connected at that
 * moment and nobody else: only what may get lost is told here.
 */
export class RedisBus {
  readonly #connection: RedisConnection;
  readonly #replica: string;
  readonly #listeners = new Map<string, Set<(text: string) => void>>();

  private constructor(connection: RedisConnection, replica: string) {
    this.#connection = connection;
    this.#replica = replica;
    connection.subscriber.on("message", (channel: string, message: string) => this.#hear(channel, message));
  }

  /** Listens to all topics. `replica` is what tells one's own messages from those of others. */
  static async open(connection: RedisConnection, replica: string): Promise<RedisBus> {
    const bus = new RedisBus(connection, replica);
    await connection.subscriber.subscribe(...TOPICS.map((topic) => bus.#channelOf(topic)));
    return bus;
  }

  /** Tells the other replicas, not the one that calls. */
  publish(topic: BusTopic, text: string): void {
    this.#connection.publish(this.#channelOf(topic), `${this.#replica} ${text}`);
  }

  /** Calls the listener with what others tell; returns what ends it. */
  subscribe(topic: BusTopic, listener: (text: string) => void): () => void {
    const channel = this.#channelOf(topic);
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  #channelOf(topic: BusTopic): string {
    return `${this.#connection.prefix}:${topic}`;
  }

  #hear(channel: string, message: string): void {
    const space = message.indexOf(" ");
    if (message.slice(0, space) === this.#replica) return;
    for (const listener of this.#listeners.get(channel) ?? []) listener(message.slice(space + 1));
  }
}
