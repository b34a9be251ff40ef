import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  MintBrowserKeyResponseSchema,
  type BrowserLimits,
  type MintBrowserKeyRequest,
  type MintBrowserKeyResponse,
} from "../contract/admin.ts";
import { ParleyError } from "../errors/index.ts";
import { MAX_LIFETIME_MS } from "../policy/identity/browser-keys.ts";
import type { BrowserRights } from "../policy/identity/narrow.ts";
import type { Principal } from "../policy/principal.ts";

const DEFAULT_LIFETIME_MS = 900_000;

/** Mints keys for browsers. */
export interface BrowserKeysService {
  mint(request: MintBrowserKeyRequest, caller: Principal): MintBrowserKeyResponse;
}

/** What the service asks of its surroundings. */
export interface BrowserKeysPorts {
  /** A browser key of this parent; undefined: the caller is no key. */
  readonly mint: (parentId: string, rights: BrowserRights, untilMs: number) => string | undefined;
  readonly nowMs: () => number;
}

/** The service over the secret that all replicas share. */
export function createBrowserKeysService({ mint, nowMs }: BrowserKeysPorts): BrowserKeysService {
  return {
    mint({ lifetime, limits }, caller) {
      const lifetimeMs = lifetime ? durationMs(lifetime) : DEFAULT_LIFETIME_MS;
      const untilMs = nowMs() + Math.min(lifetimeMs, MAX_LIFETIME_MS);
      const text = mint(caller.keyId, limits ? rightsOf(limits) : {}, untilMs);
      if (text !== undefined) {
        return create(MintBrowserKeyResponseSchema, { text, expiresAt: timestampFromMs(untilMs) });
      }
      throw new ParleyError(
        "PERMISSION_DENIED",
        "Cannot mint a browser key: you are not known by a key; call with a key of the gateway",
      );
    },
  };
}

function rightsOf(limits: BrowserLimits): BrowserRights {
  const { models, maxOutputTokens, regions, allowStreaming, allowTools, allowReasoning, origin } = limits;
  return {
    ...(models.length === 0 ? {} : { models }),
    ...(regions.length === 0 ? {} : { regions }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(allowStreaming === undefined ? {} : { streaming: allowStreaming }),
    ...(allowTools === undefined ? {} : { tools: allowTools }),
    ...(allowReasoning === undefined ? {} : { reasoning: allowReasoning }),
    ...(origin === "" ? {} : { origin }),
  };
}
