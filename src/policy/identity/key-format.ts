import { crc32 } from "node:zlib";
import type { Runtime } from "../../runtime/runtime.ts";

/** How every made key begins. */
export const KEY_PREFIX = "parley_";

const ID_BYTES = 6;
const SECRET_BYTES = 32;
// Anchored and without repetition inside repetition: it runs on whatever a caller sends.
const SHAPE = /^parley_[0-9a-f]{12}_[0-9a-f]{64}[0-9a-f]{8}$/;

/**
 * A new key: `parley_<id>_<secret>`, the id 12 and the secret 64 hexadecimal digits (256 random bits), with a checksum
 * of 8 digits behind it, so that a key that was copied badly is told from one that is unknown. A rotated key keeps its id.
 */
export function makeKey(runtime: Pick<Runtime, "randomHex">, id = runtime.randomHex(ID_BYTES)): string {
  const body = `${KEY_PREFIX}${id}_${runtime.randomHex(SECRET_BYTES)}`;
  return body + checksum(body);
}

/** Whether the text has the shape and the checksum of a made key. Cheap: no look-up, no digest. */
export function isMadeKey(key: string): boolean {
  return SHAPE.test(key) && checksum(key.slice(0, -8)) === key.slice(-8);
}

/** The id within a made key, which books and logs may show. */
export function keyIdOf(madeKey: string): string {
  return madeKey.slice(KEY_PREFIX.length, KEY_PREFIX.length + 2 * ID_BYTES);
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, "0");
}
