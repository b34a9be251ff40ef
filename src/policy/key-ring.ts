import { hash, timingSafeEqual } from "node:crypto";
import type { Constraints } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import { compileGlobs } from "./glob.ts";
import { isMadeKey, KEY_PREFIX, keyIdOf } from "./key-format.ts";
import { UNLIMITED, type Principal } from "./principal.ts";

/** A secret that is revealed only to be digested. */
export interface RevealableSecret {
  reveal(): string;
}

/** A key as configured or read from its file. */
export interface RingKey {
  /** A name for people; made keys are known by the id within them, others by this name. */
  readonly name: string;
  readonly key: RevealableSecret;
  readonly role: "admin" | "chat";
  /** Name of its policy; undefined: nothing is forbidden. */
  readonly policy: string | undefined;
}

/** What the keys of a policy may do. */
export interface RingPolicy {
  readonly name: string;
  /** Patterns over route names and `provider/model`, in which `*` stands for any characters. */
  readonly allowModels: readonly string[];
  /** The same of what they may not use, which wins. */
  readonly denyModels?: readonly string[];
  /** What every target must satisfy. */
  readonly constraints?: Constraints | undefined;
  readonly allowRawParams: boolean;
}

interface Entry {
  readonly digest: Buffer;
  readonly holder: Principal;
}

/** Shortest key there can be, and the longest that is looked at. */
const MIN_LENGTH = 16;
const MAX_LENGTH = 512;
const HOW = "send the header `authorization: Bearer KEY`";

/** All keys of the gateway, by digest. Built when keys are loaded, immutable afterwards; of keys' texts it knows only those that were lately used. */
export class KeyRing {
  readonly #entries = new Map<string, Entry>();
  readonly #known = new KnownDigests();
  // A fixed key may look like a damaged made one; only then shape proves nothing.
  #acceptsAnyShape = false;

  /** Throws where a policy is missing or two keys are the same: configuration checks tell people before. */
  constructor(keys: readonly RingKey[], policies: readonly RingPolicy[]) {
    const byName = new Map(policies.map((policy) => [policy.name, policy]));
    for (const one of keys) this.#add(one, byName);
    if (keys.length === 0)
      throw new ParleyError("MISCONFIGURED", "Cannot build the key ring: there is no key, so that nobody could call");
  }

  #add(key: RingKey, policies: ReadonlyMap<string, RingPolicy>): void {
    const text = key.key.reveal();
    const digest = digestOf(text);
    const place = digest.toString("latin1");
    const twin = this.#entries.get(place);
    if (twin)
      throw new ParleyError(
        "MISCONFIGURED",
        `Cannot add the key ${key.name}: its text is also that of ${twin.holder.name}`,
      );
    if (text.startsWith(KEY_PREFIX) && !isMadeKey(text)) this.#acceptsAnyShape = true;
    this.#entries.set(place, { digest, holder: holderOf(key, text, policies) });
  }

  /** Number of keys. */
  get size(): number {
    return this.#entries.size;
  }

  /** Who holds this key, which comes without `Bearer `. Throws `UNAUTHENTICATED`, which never says how near a key was. */
  authenticate(credential: string | undefined): Principal {
    if (credential === undefined || credential === "") throw refusal(`no key was sent; ${HOW}`);
    if (credential.length < MIN_LENGTH || credential.length > MAX_LENGTH) {
      throw refusal(`what was sent is no key of this gateway; ${HOW}, the key whole and without quotes`);
    }
    if (credential.startsWith(KEY_PREFIX) && !this.#acceptsAnyShape && !isMadeKey(credential)) {
      throw refusal("the key is damaged: a character is missing or wrong; copy it again, whole");
    }
    const digest = this.#known.of(credential);
    const entry = this.#entries.get(digest.toString("latin1"));
    // The look-up is by digest, so its timing tells nothing of a key; the comparison keeps that true of any map.
    if (entry && timingSafeEqual(entry.digest, digest)) {
      this.#known.note(credential, digest);
      return entry.holder;
    }
    throw refusal("the key is unknown; it may be another gateway's, or have been removed");
  }
}

function holderOf(key: RingKey, text: string, policies: ReadonlyMap<string, RingPolicy>): Principal {
  const policy = key.policy === undefined ? undefined : policies.get(key.policy);
  if (key.policy !== undefined && !policy) {
    throw new ParleyError("MISCONFIGURED", `Cannot add the key ${key.name}: there is no policy named ${key.policy}`);
  }
  return {
    ...UNLIMITED,
    keyId: isMadeKey(text) ? keyIdOf(text) : `fixed:${key.name}`,
    name: key.name,
    role: key.role,
    allowsModel: policy ? compileAllowed(policy) : () => true,
    constraints: policy?.constraints,
    allowsRawParams: policy?.allowRawParams ?? true,
  };
}

function compileAllowed({ allowModels, denyModels = [] }: RingPolicy): (name: string) => boolean {
  const allowed = compileGlobs(allowModels);
  if (denyModels.length === 0) return allowed;
  const denied = compileGlobs(denyModels);
  return (name) => allowed(name) && !denied(name);
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

/**
 * Digests of the keys that were last found, by their text, so that a key that calls all the time is digested once. It
 * decides nothing: who holds a key is looked up by its digest each time. Bounded, and forgotten when it is full.
 */
class KnownDigests {
  readonly #digests = new Map<string, Buffer>();

  of(text: string): Buffer {
    return this.#digests.get(text) ?? digestOf(text);
  }

  /** Remembers a key that was found; what is no key is never kept. */
  note(text: string, digest: Buffer): void {
    if (this.#digests.has(text)) return;
    if (this.#digests.size >= MAX_KNOWN) this.#digests.clear();
    this.#digests.set(text, digest);
  }
}

const MAX_KNOWN = 1_000;

function refusal(why: string): ParleyError {
  return new ParleyError("UNAUTHENTICATED", `Cannot authenticate: ${why}`);
}
