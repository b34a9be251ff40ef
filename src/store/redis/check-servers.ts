import type { Redis } from "ioredis";
import { ParleyError } from "../../errors/index.ts";

// Scripts that write after asking for the time, and per-script effects on replicas, need it.
const OLDEST_MAJOR_VERSION = 6;

/** Checks that none of these servers is too old or may throw counters away. Throws `MISCONFIGURED`. */
export async function checkServers(nodes: readonly Redis[], address: string): Promise<void> {
  if (nodes.length === 0) throw unusable(address, "the cluster has no node that answers");
  for (const node of nodes) {
    const info = await node.info();
    const version = fieldOf(info, "valkey_version") ?? fieldOf(info, "redis_version") ?? "0";
    if (Number.parseInt(version, 10) < OLDEST_MAJOR_VERSION) {
      throw unusable(address, `its version is ${version}; it needs ${OLDEST_MAJOR_VERSION}.0 or later`);
    }
    const policy = fieldOf(info, "maxmemory_policy") ?? "noeviction";
    if (policy !== "noeviction") {
      const fix = "an evicted counter would be a budget spent twice; set maxmemory-policy to noeviction";
      throw unusable(address, `its maxmemory-policy is ${policy}: ${fix}`);
    }
  }
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

function unusable(address: string, why: string): ParleyError {
  return new ParleyError("MISCONFIGURED", `Cannot use Redis at ${address}: ${why}`);
}
