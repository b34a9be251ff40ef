import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ParleyError } from "../errors/index.ts";
import type { Runtime } from "../runtime/runtime.ts";

const FILE = "replica.id";
const SHAPE = /^replica_[0-9a-f]{24}$/;

/**
 * The id of a data folder, made at its first use: leases and journals stand under it, and a restart keeps it. Throws
 * `MISCONFIGURED` where its file says nothing usable.
 */
export function ensureReplicaId(folder: string, runtime: Pick<Runtime, "randomHex">): string {
  const path = join(folder, FILE);
  const made = `replica_${runtime.randomHex(12)}`;
  try {
    writeFileSync(path, `${made}\n`, { flag: "wx", mode: 0o600 });
    return made;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new ParleyError("MISCONFIGURED", `Cannot name this replica: ${path} cannot be written`, { cause: error });
    }
  }
  const id = readFileSync(path, "utf8").trim();
  if (SHAPE.test(id)) return id;
  throw new ParleyError(
    "MISCONFIGURED",
    `Cannot name this replica: ${path} holds no replica id; restore it, or delete it if this folder never leased money`,
  );
}
