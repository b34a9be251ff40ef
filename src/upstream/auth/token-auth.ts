import { ParleyError, forgetSecret } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { UpstreamClient } from "../upstream.ts";
import type { AuthHeaders, CallAuth } from "./call-auth.ts";
import { fetchToken, type AccessToken } from "./fetch-token.ts";
import { tokenRequests, type TokenGrant } from "./token-grant.ts";

// A token is renewed beside the calls from here on, and no call leaves with less: clocks differ, and answers take time.
const EARLY_MS = 5 * 60_000;
const LEAST_MS = 30_000;
// Short-lived tokens would never be used: these shares of their life count then.
const EARLY_SHARE = 0.2;
const LEAST_SHARE = 0.1;
// After a failure, so that an endpoint that is down is not asked by every request.
const PAUSE_MS = 1_000;
const LEAST_AGE_MS = 10_000;

interface HeldToken {
  readonly token: string;
  readonly headers: AuthHeaders;
  readonly sinceMs: number;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

/** Authorises with access tokens: kept, renewed before they expire, and fetched once for all who wait. */
export class TokenAuth implements CallAuth {
  readonly #upstream: UpstreamClient;
  readonly #runtime: Runtime;
  readonly #requestAt: ReturnType<typeof tokenRequests>;
  #held: HeldToken | undefined;
  #former: string | undefined;
  #pending: Promise<AuthHeaders> | undefined;
  #failed: { readonly error: ParleyError; readonly untilMs: number } | undefined;

  /** Throws `MISCONFIGURED` where the grant cannot be asked for. */
  constructor(upstream: UpstreamClient, runtime: Runtime, grant: TokenGrant) {
    this.#upstream = upstream;
    this.#runtime = runtime;
    this.#requestAt = tokenRequests(grant);
  }

  current(): AuthHeaders | undefined {
    const held = this.#held;
    const now = this.#runtime.monotonicMs();
    if (!held || now >= held.endsAtMs) return undefined;
    // Nobody waits for this one: where it fails, the calls that come after ask again.
    if (now >= held.renewAtMs) this.fetch().catch(() => undefined);
    return held.headers;
  }

  fetch(): Promise<AuthHeaders> {
    const failed = this.#failed;
    if (failed && this.#runtime.monotonicMs() < failed.untilMs) return Promise.reject(failed.error);
    this.#pending ??= this.#renew().finally(() => (this.#pending = undefined));
    return this.#pending;
  }

  refused(): void {
    // Another one is not better than one that was got just now.
    if (this.#held && this.#runtime.monotonicMs() - this.#held.sinceMs >= LEAST_AGE_MS) this.#retire();
  }

  async #renew(): Promise<AuthHeaders> {
    try {
      const token = await fetchToken(this.#upstream, this.#runtime, this.#requestAt(this.#runtime.nowMs()));
      this.#failed = undefined;
      return this.#hold(token);
    } catch (thrown) {
      const error = ParleyError.from(thrown);
      this.#failed = { error, untilMs: this.#runtime.monotonicMs() + PAUSE_MS };
      throw error;
    }
  }

  #hold({ text, lifeMs }: AccessToken): AuthHeaders {
    this.#retire();
    const sinceMs = this.#runtime.monotonicMs();
    const expiresAtMs = sinceMs + lifeMs;
    const headers = { authorization: `Bearer ${text}` };
    this.#held = {
      token: text,
      headers,
      sinceMs,
      renewAtMs: expiresAtMs - Math.min(EARLY_MS, lifeMs * EARLY_SHARE),
      endsAtMs: expiresAtMs - Math.min(LEAST_MS, lifeMs * LEAST_SHARE),
    };
    return headers;
  }

  // Calls that run may still repeat the token before this one; the one before that is history.
  #retire(): void {
    if (!this.#held) return;
    if (this.#former !== undefined && this.#former !== this.#held.token) forgetSecret(this.#former);
    this.#former = this.#held.token;
    this.#held = undefined;
  }
}
