import { hash, timingSafeEqual } from "node:crypto";
import { ParleyError } from "../../errors/index.ts";
import type { BudgetRule } from "../budgets/budget-rule.ts";
import type { Principal } from "../principal.ts";
import {
  compilePrincipal,
  policySource,
  type KeyRights,
  type PolicySource,
  type RingPolicy,
} from "./compile-principal.ts";
import { fitsCertificate, type CertificatePattern, type ClientCertificate } from "./credentials.ts";
import { HOW, refusal } from "./refusal.ts";
import { isMadeKey, KEY_PREFIX, keyIdOf } from "./key-format.ts";

/** A secret that is revealed only to be digested. */
export interface RevealableSecret {
  reveal(): string;
}

/** A key as configured or read from its file: made keys are known by the id within them, others by their name. */
export interface RingKey extends Omit<KeyRights, "keyId"> {
  /** Undefined: its holder is known by a certificate. */
  readonly key: RevealableSecret | undefined;
  readonly certificate?: CertificatePattern | undefined;
}

interface Entry {
  /** Undefined: it is known by a certificate. */
  readonly digest: Buffer | undefined;
  readonly holder: Principal;
  readonly rights: KeyRights;
}

/** Shortest key there can be, and the longest that is looked at. */
const MIN_LENGTH = 16;
const MAX_LENGTH = 512;

/** All keys of the gateway, by digest. Built when keys are loaded, immutable afterwards; it keeps no key's text. */
export class KeyRing {
  readonly #entries = new Map<string, Entry>();
  readonly #certificates: { readonly pattern: CertificatePattern; readonly holder: Principal }[] = [];
  readonly #byId = new Map<string, Entry>();
  // A fixed key may look like a damaged made one; only then shape proves nothing.
  #acceptsAnyShape = false;

  /** Throws where a policy is missing or two keys are the same: configuration checks tell people before. */
  constructor(keys: readonly RingKey[], policies: readonly RingPolicy[] | PolicySource) {
    const source = "policies" in policies ? policies : policySource(policies);
    for (const one of keys) this.#add(one, source);
    if (keys.length === 0)
      throw new ParleyError("MISCONFIGURED", "Cannot build the key ring: there is no key, so that nobody could call");
  }

  #add(key: RingKey, source: PolicySource): void {
    const { key: secret, certificate, ...known } = key;
    if (!secret) return this.#addCertificate(certificate, { ...known, keyId: `certificate:${key.name}` }, source);
    const text = secret.reveal();
    const digest = digestOf(text);
    const place = digest.toString("latin1");
    const twin = this.#entries.get(place);
    if (twin)
      throw new ParleyError(
        "MISCONFIGURED",
        `Cannot add the key ${key.name}: its text is also that of ${twin.holder.name}`,
      );
    if (text.startsWith(KEY_PREFIX) && !isMadeKey(text)) this.#acceptsAnyShape = true;
    const rights = { ...known, keyId: isMadeKey(text) ? keyIdOf(text) : `fixed:${key.name}` };
    const entry = { digest, rights, holder: compilePrincipal(rights, source) };
    this.#entries.set(place, entry);
    this.#byId.set(entry.holder.keyId, entry);
  }

  #addCertificate(pattern: CertificatePattern | undefined, rights: KeyRights, source: PolicySource): void {
    if (!pattern) throw new ParleyError("MISCONFIGURED", `Cannot add the key ${rights.name}: it has no text`);
    const holder = compilePrincipal(rights, source);
    this.#certificates.push({ pattern, holder });
    this.#byId.set(holder.keyId, { digest: undefined, holder, rights });
  }

  /** Who is known by this certificate; undefined: nobody. Of several entries the first that fits counts. */
  byCertificate(certificate: ClientCertificate): Principal | undefined {
    return this.#certificates.find(({ pattern }) => fitsCertificate(pattern, certificate))?.holder;
  }

  /** All holders by the ids of their keys. */
  holders(): ReadonlyMap<string, Principal> {
    return new Map([...this.#byId].map(([id, { holder }]) => [id, holder]));
  }

  /** The holder of the key with this id. */
  holder(id: string): Principal | undefined {
    return this.#byId.get(id)?.holder;
  }

  /** What the key with this id was said to be. */
  rights(id: string): KeyRights | undefined {
    return this.#byId.get(id)?.rights;
  }

  /** The digest of the text of the key with this id, as a list. */
  digests(id: string): readonly Buffer[] {
    const entry = this.#byId.get(id);
    return entry?.digest ? [entry.digest] : [];
  }

  /** Number of keys. */
  get size(): number {
    return this.#entries.size;
  }

  /** The budgets of all keys. */
  get budgets(): readonly BudgetRule[] {
    return [...this.#byId.values()].flatMap(({ holder }) => holder.budgets);
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
    const digest = digestOf(credential);
    const entry = this.#entries.get(digest.toString("latin1"));
    // The look-up is by digest, so its timing tells nothing of a key; the comparison keeps that true of any map.
    if (entry?.digest && timingSafeEqual(entry.digest, digest)) return entry.holder;
    throw refusal("the key is unknown; it may be another gateway's, or have been removed");
  }
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
