import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Principal } from "../principal.ts";
import { narrow, type BrowserRights } from "./narrow.ts";
import { refusal } from "./refusal.ts";

/** How every browser key begins. */
const PREFIX = "parley_browser_";
// Anchored and without repetition inside repetition: it runs on whatever a caller sends.
const SHAPE = /^parley_browser_[\w-]{20,7000}\.[\w-]{43}$/;
/** Browser keys that are remembered as verified. */
const MAX_CACHED = 10_000;

/** The longest life of a browser key. */
export const MAX_LIFETIME_MS = 3_600_000;

/** The keys that browser keys come from. */
export interface Parents {
  /** The holder of a key that may be used now; undefined: there is none. Throws where it may not be used any more. */
  holder(id: string): Principal | undefined;
  /** The digests of its texts that are taken now, the newest first. */
  digests(id: string): readonly Buffer[];
}

interface Payload {
  readonly parent: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly rights: BrowserRights;
}

interface Verified {
  readonly payload: Payload;
  readonly digest: Buffer;
  /** The holder of the parent as it was compiled, and what became of it. */
  parent: Principal;
  holder: Principal;
}

/** Whether the text has the shape of a browser key. */
export function isBrowserKey(text: string): boolean {
  return text.startsWith(PREFIX) && SHAPE.test(text);
}

/**
 * Short-lived keys that carry their own rights. Nothing of them is stored: their proof is an HMAC by a secret that all
 * replicas share and by the digest of the parent's text, so that any replica knows them at once, and that they end with
 * the key, or the text of it, that they were minted from.
 */
export class BrowserKeys {
  readonly #secret: Buffer;
  readonly #runtime: Pick<Runtime, "nowMs">;
  readonly #verified = new Map<string, Verified>();

  constructor(secret: Buffer, runtime: Pick<Runtime, "nowMs">) {
    this.#secret = secret;
    this.#runtime = runtime;
  }

  /** A browser key of this parent, or undefined where the caller is no key that could be one. */
  mint(parents: Parents, parentId: string, rights: BrowserRights, untilMs: number): string | undefined {
    const [digest] = parents.digests(parentId);
    if (!digest) return undefined;
    const payload: Payload = { parent: parentId, until: untilMs, rights };
    const text = Buffer.from(JSON.stringify(payload)).toString("base64url");
    return `${PREFIX}${text}.${this.#proof(digest, text).toString("base64url")}`;
  }

  /** Who holds a text that has the shape of a browser key. Throws `UNAUTHENTICATED`. */
  authenticate(parents: Parents, text: string, origin: string | undefined): Principal {
    const place = hash("sha256", text, "base64url");
    const known = this.#verified.get(place) ?? this.#verify(parents, text);
    const { parent: parentId, until, rights } = known.payload;
    if (until <= this.#runtime.nowMs()) {
      this.#verified.delete(place);
      throw refusal("the browser key has expired; have another one minted");
    }
    if (rights.origin !== undefined && rights.origin !== origin) {
      throw refusal("the browser key is bound to another origin than the one that sends it");
    }
    const parent = parents.holder(parentId);
    if (!parent || !parents.digests(parentId).some((one) => one.equals(known.digest))) {
      this.#verified.delete(place);
      throw refusal("the key that the browser key was minted from was rotated or removed");
    }
    // A reload compiles the parent anew: what the browser key may do changes with it.
    if (parent !== known.parent) {
      known.parent = parent;
      known.holder = narrow(parent, rights);
    }
    this.#remember(place, known);
    return known.holder;
  }

  #verify(parents: Parents, text: string): Verified {
    const dot = text.lastIndexOf(".");
    const body = text.slice(PREFIX.length, dot);
    const proof = Buffer.from(text.slice(dot + 1), "base64url");
    const payload = readPayload(body);
    const parent = payload && parents.holder(payload.parent);
    const digest = payload && parents.digests(payload.parent).find((one) => equal(this.#proof(one, body), proof));
    if (!payload || !parent || !digest) throw refusal("the browser key is unknown, or the key it was minted from is");
    return { payload, digest, parent, holder: narrow(parent, payload.rights) };
  }

  #remember(place: string, verified: Verified): void {
    if (this.#verified.has(place)) return;
    // The oldest goes: it is verified again when it comes again.
    if (this.#verified.size >= MAX_CACHED) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(place, verified);
  }

  #proof(parentDigest: Buffer, body: string): Buffer {
    return createHmac("sha256", this.#secret).update(parentDigest).update(body).digest();
  }
}

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

// Read before it is proven, so that the parent is known: nothing in it is believed until then.
function readPayload(body: string): Payload | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
    const { parent, until, rights } = value as Partial<Payload>;
    const isOurs = typeof parent === "string" && typeof until === "number" && typeof rights === "object";
    return isOurs && rights !== null ? { parent, until, rights } : undefined;
  } catch {
    return undefined;
  }
}
