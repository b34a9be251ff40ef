import { ParleyError } from "../../errors/index.ts";
import type { BudgetRule } from "../budgets/budget-rule.ts";
import type { Principal } from "../principal.ts";
import { isBrowserKey, type BrowserKeys, type Parents } from "./browser-keys.ts";
import type { KeyRights, PolicySource } from "./compile-principal.ts";
import type { Credentials } from "./credentials.ts";
import { isMadeKey, keyIdOf } from "./key-format.ts";
import type { KeyRing } from "./key-ring.ts";
import type { MadeKeys } from "./made-keys.ts";
import type { BrowserRights } from "./narrow.ts";
import { isToken, type Issuer, type Tokens } from "./tokens.ts";
import type { Role, Scope } from "./roles.ts";

/** Where callers are found besides the configuration's keys. */
export interface IdentitySources {
  readonly made: MadeKeys;
  readonly browser: BrowserKeys;
  readonly tokens: Tokens;
}

/** Who callers are, whatever they show. One for the life of the process; a reload changes what it looks in. */
export class Authenticator implements Parents {
  readonly #made: MadeKeys;
  readonly #browser: BrowserKeys;
  readonly #tokens: Tokens;
  #ring: KeyRing | undefined;

  constructor({ made, browser, tokens }: IdentitySources) {
    this.#made = made;
    this.#browser = browser;
    this.#tokens = tokens;
  }

  /** Takes over the keys and policies of another configuration. Throws nothing. */
  use(ring: KeyRing, source: PolicySource, issuers: readonly Issuer[]): void {
    this.#ring = ring;
    this.#tokens.use(issuers, source);
    this.#made.useSource(source);
  }

  /**
   * Who sends these credentials; each kind is known by its shape, before anything is looked up. Throws
   * `UNAUTHENTICATED`. Awaits nothing but the first sight of a token of somebody else.
   */
  authenticate({ key, origin, certificate }: Credentials): Principal | Promise<Principal> {
    if (key !== undefined) {
      if (isMadeKey(key) && this.#made.has(keyIdOf(key))) return this.#made.authenticate(key);
      if (this.#tokens.any && isToken(key)) return this.#tokens.authenticate(key);
      if (isBrowserKey(key)) return this.#browser.authenticate(this, key, origin);
    }
    // A key goes before a certificate: it says more about who of those behind a proxy is meant.
    const shown = key === undefined ? certificate?.() : undefined;
    return (shown && this.#ring!.byCertificate(shown)) ?? this.#ring!.authenticate(key);
  }

  /** The budgets of all keys, made ones too. */
  get budgets(): readonly BudgetRule[] {
    return [...this.#ring!.budgets, ...this.#made.budgets];
  }

  /** The holder of a key of whatever source that may be used now. */
  holder(id: string): Principal | undefined {
    return this.#made.holder(id) ?? this.#ring!.holder(id);
  }

  /** What is known of a key of whatever source, whether it may be used now or not. */
  rights(id: string): KeyRights | undefined {
    const row = this.#made.row(id);
    if (row) return { ...row, keyId: row.id, role: row.role as Role };
    return this.#ring!.rights(id) ?? this.#tokens.rights(id);
  }

  /** The digests of a key's texts that are taken now. */
  digests(id: string): readonly Buffer[] {
    return this.#made.has(id) ? this.#made.digests(id) : this.#ring!.digests(id);
  }

  /** A browser key of this key; undefined: it is no key. */
  mint(parentId: string, rights: BrowserRights, untilMs: number): string | undefined {
    return this.#browser.mint(this, parentId, rights, untilMs);
  }
}

/** The caller, where it has the scope. Throws `PERMISSION_DENIED`. */
export function letIn(caller: Principal, scope: Scope | undefined): Principal {
  if (scope === undefined || caller.scopes.has(scope)) return caller;
  throw new ParleyError(
    "PERMISSION_DENIED",
    `Cannot do this with the key: its role is ${caller.role}, and it has not the scope ${scope}; use another key`,
  );
}
