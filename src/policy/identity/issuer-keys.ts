import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";

/** After this a token has the keys fetched anew, in the background. */
const FRESH_MS = 600_000;
/** Between two fetches for tokens whose key is unknown: strangers choose when those come. */
const COOLDOWN_MS = 30_000;
/** How long keys are believed whose issuer cannot be asked. */
const STALE_MS = 86_400_000;

/** The keys of an issuer: pinned, or fetched from it and kept. */
export class IssuerKeys {
  readonly #fetch: (() => Promise<unknown>) | undefined;
  readonly #runtime: Pick<Runtime, "monotonicMs">;
  #keys: JWTVerifyGetKey | undefined;
  #fetchedMs = -Infinity;
  #triedMs = -Infinity;
  #fetching: Promise<void> | undefined;

  /** `source`: the keys themselves, or what fetches them. Throws where pinned keys are none. */
  constructor(
    source: { readonly pinned: unknown } | { readonly fetch: () => Promise<unknown> },
    runtime: Pick<Runtime, "monotonicMs">,
  ) {
    this.#runtime = runtime;
    if ("pinned" in source) this.#keys = keySet(source.pinned);
    else this.#fetch = source.fetch;
  }

  /** The keys to look a token's key up in. Rejects with `GATEWAY_OVERLOADED` where there are none to be had. */
  async current(): Promise<JWTVerifyGetKey> {
    if (!this.#fetch) return this.#keys!;
    const ageMs = this.#runtime.monotonicMs() - this.#fetchedMs;
    if (ageMs > FRESH_MS) {
      const fetched = this.#refresh();
      if (ageMs > STALE_MS) await fetched;
    }
    if (this.#keys && this.#runtime.monotonicMs() - this.#fetchedMs <= STALE_MS) return this.#keys;
    throw new ParleyError(
      "GATEWAY_OVERLOADED",
      "Cannot authenticate: the keys of the token's issuer cannot be had now",
      {
        retryDelayMs: COOLDOWN_MS,
      },
    );
  }

  /** Fetches the keys for a token whose key is unknown; returns whether they may be others than before. */
  async renewed(): Promise<boolean> {
    const before = this.#fetchedMs;
    await this.#refresh();
    return this.#fetchedMs !== before;
  }

  /** Never rejects: keys that were had before stay. */
  #refresh(): Promise<void> {
    if (!this.#fetch || this.#runtime.monotonicMs() - this.#triedMs < COOLDOWN_MS)
      return this.#fetching ?? Promise.resolve();
    this.#triedMs = this.#runtime.monotonicMs();
    this.#fetching ??= this.#fetch()
      .then((value) => {
        this.#keys = keySet(value);
        this.#fetchedMs = this.#runtime.monotonicMs();
      })
      .catch(() => undefined)
      .finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }
}

function keySet(value: unknown): JWTVerifyGetKey {
  return createLocalJWKSet(value as JSONWebKeySet);
}
