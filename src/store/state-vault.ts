import { createCipheriv, createDecipheriv, hash } from "node:crypto";
import type { Runtime } from "../runtime/runtime.ts";

/**
 * Keeps what providers want back and legacy clients drop: signatures and encrypted reasoning, per key and for a while.
 * Within one process; another replica does not know it, and a restart forgets it.
 */
export interface StateVault {
  /** Keeps `bytes` under `id` for the holder of a key. */
  put(keyId: string, id: string, bytes: Uint8Array): void;
  /** What is kept, or undefined: never kept, kept for another key, too old, or pushed out. */
  get(keyId: string, id: string): Uint8Array | undefined;
  /** Forgets what is kept, if anything is. */
  delete(keyId: string, id: string): void;
}

/** Bounds of a vault. */
export interface VaultLimits {
  /** How long an entry is kept, in milliseconds. */
  readonly timeToLiveMs: number;
  readonly maxEntries: number;
  readonly maxBytes: number;
}

/** An hour of conversation; 64 MiB of state. */
const DEFAULT_VAULT_LIMITS: VaultLimits = {
  timeToLiveMs: 3_600_000,
  maxEntries: 100_000,
  maxBytes: 64 * 1024 * 1024,
};

interface Entry {
  readonly sealed: Buffer;
  readonly expiresAtMs: number;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** A vault in memory. Entries are encrypted with a key that only this process has had, so that a dump shows none. */
export function createStateVault(runtime: Runtime, limits: VaultLimits = DEFAULT_VAULT_LIMITS): StateVault {
  const secret = Buffer.from(runtime.randomHex(32), "hex");
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (place: string): void => {
    const entry = entries.get(place);
    if (!entry) return;
    bytes -= entry.sealed.length;
    entries.delete(place);
  };
  // The tenant is a part of the place and of what is authenticated: no id of one key can open an entry of another's.
  const placeOf = (keyId: string, id: string): string => hash("sha256", `${keyId}\u0000${id}`, "hex");
  return {
    put(keyId, id, plain) {
      if (plain.length > limits.maxBytes) return;
      const place = placeOf(keyId, id);
      drop(place);
      const sealed = seal(secret, Buffer.from(runtime.randomHex(IV_BYTES), "hex"), place, plain);
      entries.set(place, { sealed, expiresAtMs: runtime.monotonicMs() + limits.timeToLiveMs });
      bytes += sealed.length;
      for (const oldest of entries.keys()) {
        if (entries.size <= limits.maxEntries && bytes <= limits.maxBytes) break;
        drop(oldest);
      }
    },
    get(keyId, id) {
      const place = placeOf(keyId, id);
      const entry = entries.get(place);
      if (!entry) return undefined;
      if (entry.expiresAtMs > runtime.monotonicMs()) return open(secret, place, entry.sealed);
      drop(place);
      return undefined;
    },
    delete: (keyId, id) => drop(placeOf(keyId, id)),
  };
}

function seal(secret: Buffer, iv: Buffer, place: string, plain: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-256-gcm", secret, iv).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]);
}

function open(secret: Buffer, place: string, sealed: Buffer): Uint8Array {
  const decipher = createDecipheriv("aes-256-gcm", secret, sealed.subarray(0, IV_BYTES)).setAAD(Buffer.from(place));
  decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
}
