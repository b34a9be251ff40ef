import type { Runtime } from "../../runtime/runtime.ts";
import type { ChangeFeed } from "../../store/change-feed.ts";
import type { KeyStore } from "../../store/key-store.ts";
import { Authenticator } from "./authenticator.ts";
import { BrowserKeys } from "./browser-keys.ts";
import { policySource } from "./compile-principal.ts";
import { KeySync } from "./key-sync.ts";
import { MadeKeys } from "./made-keys.ts";
import { Tokens } from "./tokens.ts";

/** Everybody who may call, with the keys that were made at run time kept as the database has them. */
export interface Identity {
  readonly authenticator: Authenticator;
  readonly made: MadeKeys;
  /** Reads what others have changed, now. Never rejects. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** What identity is opened with. */
export interface IdentityOptions {
  readonly store: KeyStore;
  readonly feed?: ChangeFeed | undefined;
  readonly runtime: Runtime;
  /** Called when the database cannot be asked for changes of keys, and when it can be again. */
  readonly onReachable: (reachable: boolean) => void;
}

/** Loads the keys and follows their changes. They may be used once a configuration's policies are taken over. */
export async function openIdentity({ store, feed, runtime, onReachable }: IdentityOptions): Promise<Identity> {
  const made = new MadeKeys(await store.secret("key-pepper"), runtime, policySource([]));
  const browser = new BrowserKeys(await store.secret("browser-keys"), runtime);
  const sync = await KeySync.start({ keys: made, store, feed, runtime, onReachable });
  return {
    authenticator: new Authenticator({ made, browser, tokens: new Tokens(runtime, policySource([])) }),
    made,
    refresh: () => sync.look(),
    close: () => sync.close(),
  };
}
