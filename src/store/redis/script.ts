import { hash } from "node:crypto";

/** A script that Redis runs as one step. All of its keys carry the same hash tag, so that a cluster can run it too. */
export interface Script {
  readonly source: string;
  /** The name under which Redis remembers it. */
  readonly sha1: string;
}

/** A script from its Lua text. */
export function script(source: string): Script {
  return { source, sha1: hash("sha1", source, "hex") };
}

/** The part of a key's name that decides where in a cluster it stands, for whatever text an account has. */
export function hashTag(text: string): string {
  return `{${hash("sha256", text, "hex").slice(0, 32)}}`;
}
