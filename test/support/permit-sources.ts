import { randomUUID } from "node:crypto";
import { realRuntime } from "../../src/runtime/real.ts";
import { RedisConnection } from "../../src/store/redis/connection.ts";
import { RedisPermits } from "../../src/store/redis/permits.ts";

/** Sources of permits of several replicas in one process. */
export interface PermitSources extends Disposable {
  readonly all: readonly RedisPermits[];
  readonly connections: readonly RedisConnection[];
  /** Replicas that answered from their own share. */
  readonly fellBack: Set<number>;
}

/** Opens sources that share what stands under a prefix of their own. */
export async function openSources(url: string, count: number, commandTimeoutMs = 1_000): Promise<PermitSources> {
  const prefix = `test-${randomUUID()}`;
  const fellBack = new Set<number>();
  const runtime = realRuntime();
  const connections = await Promise.all(
    Array.from({ length: count }, () => RedisConnection.open({ url, runtime, prefix, commandTimeoutMs })),
  );
  const all = connections.map(
    (connection, index) =>
      new RedisPermits({
        connection,
        runtime,
        replica: `replica-${index}`,
        epoch: 1,
        replicas: () => count,
        leaseMs: 500,
        onFallback: () => fellBack.add(index),
      }),
  );
  return {
    all,
    connections,
    fellBack,
    [Symbol.dispose]() {
      for (const source of all) source.close();
      for (const connection of connections) connection.close();
    },
  };
}
