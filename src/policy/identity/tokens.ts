import { hash } from "node:crypto";
import { errors, jwtVerify, type JWTPayload } from "jose";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Principal } from "../principal.ts";
import { compilePrincipal, type KeyRights, type PolicySource } from "./compile-principal.ts";
import type { IssuerKeys } from "./issuer-keys.ts";
import { refusal } from "./refusal.ts";
import { ROLES, type Role } from "./roles.ts";

/** What a token may say of its holder. */
type Mapped = "organisation" | "project" | "policy" | "role";

/** Somebody whose tokens are taken. */
export interface Issuer {
  /** Its name in the configuration. */
  readonly name: string;
  /** What its tokens say in `iss`. */
  readonly issuer: string;
  readonly audience: string;
  /** Never `none`, and never symmetric ones. */
  readonly algorithms: readonly string[];
  readonly clockSkewMs: number;
  readonly keys: IssuerKeys;
  /** Names of the claims that say where a holder belongs and what it may do. */
  readonly claims: Readonly<Partial<Record<Mapped, string>>>;
  /** What holds for all its tokens where no claim is named. */
  readonly fixed: { readonly role: Role } & Pick<KeyRights, "organisation" | "project" | "policy">;
}

/** Three parts of base64url, the first of which begins like a JSON object. */
const SHAPE = /^eyJ[\w-]{8,2048}\.[\w-]{2,6144}\.[\w-]{16,2048}$/;
const MAX_CACHED = 10_000;

interface Known {
  readonly rights: KeyRights;
  readonly untilMs: number;
  holder: Principal;
  source: PolicySource;
}

/** Whether the text has the shape of a signed token. */
export function isToken(text: string): boolean {
  return SHAPE.test(text);
}

/** Holders of tokens of others. Each token is verified once; until its end its digest is enough. */
export class Tokens {
  readonly #runtime: Runtime;
  readonly #known = new Map<string, Known>();
  readonly #verifying = new Map<string, Promise<Known>>();
  readonly #rights = new Map<string, KeyRights>();
  #issuers: readonly Issuer[] = [];
  #source: PolicySource;

  constructor(runtime: Runtime, source: PolicySource) {
    this.#runtime = runtime;
    this.#source = source;
  }

  /** Takes over the issuers and policies of another configuration: tokens are verified anew. */
  use(issuers: readonly Issuer[], source: PolicySource): void {
    this.#issuers = issuers;
    this.#source = source;
    this.#known.clear();
    this.#verifying.clear();
    this.#rights.clear();
  }

  /** Whether tokens of anybody are taken. */
  get any(): boolean {
    return this.#issuers.length > 0;
  }

  /** Who holds a text of a token's shape. Throws or rejects with `UNAUTHENTICATED`; a promise only at its first sight. */
  authenticate(text: string): Principal | Promise<Principal> {
    // The whole digest: of two tokens that begin alike each is its own.
    const place = hash("sha256", text, "base64url");
    const known = this.#known.get(place);
    if (known) return this.#holder(place, known);
    let verifying = this.#verifying.get(place);
    if (!verifying) {
      const issuers = this.#issuers;
      verifying = this.#verify(text, issuers, this.#source).finally(() => this.#verifying.delete(place));
      this.#verifying.set(place, verifying);
    }
    return verifying.then((found) => {
      this.#remember(place, found);
      return this.#holder(place, found);
    });
  }

  /** What is known of the holder of a token with this id. */
  rights(id: string): KeyRights | undefined {
    return this.#rights.get(id);
  }

  #holder(place: string, known: Known): Principal {
    if (known.untilMs > this.#runtime.nowMs()) return known.holder;
    this.#known.delete(place);
    throw refusal("the token has expired");
  }

  #remember(place: string, known: Known): void {
    // Verified under a configuration that is no longer in force: the next sight verifies it anew.
    if (known.source !== this.#source) return;
    for (const map of [this.#known, this.#rights]) if (map.size >= MAX_CACHED) map.delete(map.keys().next().value!);
    this.#known.set(place, known);
    this.#rights.set(known.rights.keyId, known.rights);
  }

  async #verify(text: string, issuers: readonly Issuer[], source: PolicySource): Promise<Known> {
    const claimed = issuerIn(text);
    const issuer = issuers.find((one) => one.issuer === claimed);
    if (!issuer) throw refusal("the token's issuer is not one of this gateway's");
    const payload = await this.#verified(text, issuer);
    const rights = rightsOf(payload, issuer);
    const untilMs = payload.exp! * 1000 + issuer.clockSkewMs;
    try {
      return { rights, untilMs, source, holder: compilePrincipal(rights, source) };
    } catch (thrown) {
      if (!(thrown instanceof ParleyError)) throw thrown;
      throw refusal("the token names an organisation, project or policy that the configuration has not");
    }
  }

  async #verified(text: string, issuer: Issuer): Promise<JWTPayload> {
    const options = {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [...issuer.algorithms],
      clockTolerance: issuer.clockSkewMs / 1000,
      requiredClaims: ["exp", "sub"],
      currentDate: new Date(this.#runtime.nowMs()),
    };
    try {
      return (await jwtVerify(text, await issuer.keys.current(), options)).payload;
    } catch (thrown) {
      // The issuer may have new keys; asked for no more often than strangers could make us.
      const isUnknownKey = thrown instanceof errors.JWKSNoMatchingKey;
      if (!isUnknownKey || !(await issuer.keys.renewed())) throw tokenError(thrown);
    }
    try {
      return (await jwtVerify(text, await issuer.keys.current(), options)).payload;
    } catch (thrown) {
      throw tokenError(thrown);
    }
  }
}

// Read before it is proven, to know whose keys prove it: nothing else in it is believed until then.
function issuerIn(text: string): unknown {
  try {
    const payload: unknown = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString("utf8"));
    return (payload as { iss?: unknown } | null)?.iss;
  } catch {
    return undefined;
  }
}

function rightsOf(payload: JWTPayload, { name, claims, fixed }: Issuer): KeyRights {
  const claim = (mapped: Mapped): string | undefined => {
    const from = claims[mapped];
    if (from === undefined) return fixed[mapped];
    const value = payload[from];
    if (typeof value === "string" && value !== "") return value;
    throw refusal(`the token's claim ${from}, which says its ${mapped}, is missing or no text`);
  };
  const role = claim("role") ?? "chat";
  // Whoever writes a claim must not become an administrator by it.
  if (!Object.hasOwn(ROLES, role) || (claims.role !== undefined && role === "admin")) {
    throw refusal("the token's role is none that a token may have");
  }
  const subject = payload.sub ?? "";
  return {
    keyId: `token:${name}:${hash("sha256", subject).slice(0, 16)}`,
    name: subject.slice(0, 128),
    role: role as Role,
    organisation: claim("organisation"),
    project: claim("project"),
    policy: claim("policy"),
  };
}

function tokenError(thrown: unknown): ParleyError {
  if (thrown instanceof ParleyError) return thrown;
  if (thrown instanceof errors.JWTExpired) return refusal("the token has expired");
  if (thrown instanceof errors.JWTClaimValidationFailed)
    return refusal(`the token's claim ${thrown.claim} is not what it must be`);
  if (thrown instanceof errors.JOSEAlgNotAllowed)
    return refusal("the token's algorithm is not one that its issuer may use");
  return refusal("the token is not one that its issuer has signed");
}
