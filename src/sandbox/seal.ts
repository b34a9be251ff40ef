import { createHash } from "node:crypto";

// What a vendor signs or encrypts, only the vendor can read; the sandbox knows its own again by a digest.

const SECRET = "sandbox-seal-1";

/** Base64 text that nobody but the sandbox can make of this content. */
export function seal(content: string): string {
  return createHash("sha512").update(SECRET).update(content).digest("base64");
}

/** Whether this is the seal of that content, unchanged. */
export function isSealOf(sealed: string, content: string): boolean {
  return sealed === seal(content);
}
