import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type {
  CreateKeyRequest,
  Key,
  ListKeysRequest,
  ListKeysResponse,
  RotateKeyRequest,
  UpdateKeyRequest,
} from "../contract/admin.ts";
import { ErrorReason } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PolicySource } from "../policy/identity/compile-principal.ts";
import { keyIdOf, makeKey } from "../policy/identity/key-format.ts";
import type { MadeKeys } from "../policy/identity/made-keys.ts";
import { covers } from "../policy/identity/tenant.ts";
import type { Role } from "../policy/identity/roles.ts";
import type { Principal } from "../policy/principal.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { AuditHead } from "../store/audit-chain.ts";
import type { ChangeFeed } from "../store/change-feed.ts";
import type { KeyDraft, KeyRow, KeyStore } from "../store/key-store.ts";
import { checkGrant, checkMayChange, invalid, placeOf } from "./key-grants.ts";
import { auditText, keyMessage, roleOf } from "./key-message.ts";

const DEFAULT_PAGE_SIZE = 100;
const DEFAULT_OVERLAP_MS = 86_400_000;
/** Most texts of a key that are taken at once. */
const MAX_SECRETS = 4;
const MAX_TRIES = 4;

/** Who does something, and in which request. */
export interface Deed {
  readonly caller: Principal;
  readonly requestId: string;
}

/** Keeps the keys that are made at run time. Each method throws what the contract says of it. */
export interface KeysService {
  create(request: CreateKeyRequest, deed: Deed): Promise<{ readonly key: Key; readonly text: string }>;
  get(id: string, caller: Principal): Key;
  list(request: ListKeysRequest, caller: Principal): Pick<ListKeysResponse, "keys" | "nextPageToken">;
  update(request: UpdateKeyRequest, deed: Deed): Promise<Key>;
  rotate(request: RotateKeyRequest, deed: Deed): Promise<{ readonly key: Key; readonly text: string }>;
  revoke(id: string, deed: Deed): Promise<Key>;
}

/** What the service asks of its surroundings. */
export interface KeysPorts {
  readonly keys: MadeKeys;
  readonly store: KeyStore;
  readonly runtime: Runtime;
  /** The policies and organisations of the configuration as of now. */
  readonly source: () => PolicySource;
  /** Reads changes of other replicas now. */
  readonly refresh: () => Promise<void>;
  readonly feed: ChangeFeed | undefined;
  /** Told of each new end of the audit log. */
  readonly onAudit: (head: AuditHead) => void;
}

/** The service over the keys in memory and the database behind them. */
export function createKeysService(ports: KeysPorts): KeysService {
  return new Keys(ports);
}

class Keys implements KeysService {
  readonly #ports: KeysPorts;

  constructor(ports: KeysPorts) {
    this.#ports = ports;
  }

  async create(request: CreateKeyRequest, deed: Deed): Promise<{ key: Key; text: string }> {
    const { runtime, keys, source } = this.#ports;
    const { caller } = deed;
    const nowMs = runtime.nowMs();
    const role = roleOf(request.role);
    // A key that a narrowed caller makes is as narrow unless it says otherwise, which is then refused.
    const policy = request.policy || (caller.role === "admin" ? undefined : caller.policy);
    const wanted = {
      role,
      scopes: request.scopes,
      ...placeOf(caller, request),
      policy,
      expiresAtMs: request.expiresAt && timestampMs(request.expiresAt),
    };
    checkGrant(caller, wanted, source(), nowMs);
    const text = makeKey(runtime);
    const row: KeyDraft = {
      ...wanted,
      id: keyIdOf(text),
      name: request.name,
      labels: request.labels,
      createdAtMs: nowMs,
      createdBy: caller.keyId,
      revokedAtMs: undefined,
      secrets: [{ digest: keys.digest(text), createdAtMs: nowMs, validUntilMs: undefined }],
    };
    return { key: await this.#save(row, undefined, "key.create", deed), text };
  }

  get(id: string, caller: Principal): Key {
    return this.#message(this.#find(id, caller));
  }

  list(request: ListKeysRequest, caller: Principal): Pick<ListKeysResponse, "keys" | "nextPageToken"> {
    const { keys } = this.#ports;
    const { pageSize = DEFAULT_PAGE_SIZE, pageToken, organisation, project, includeEnded } = request;
    const page: KeyRow[] = [];
    for (const id of keys.ids()) {
      if (id <= pageToken) continue;
      const row = keys.row(id);
      if (!row || !covers(caller, row)) continue;
      if (organisation !== "" && row.organisation !== organisation) continue;
      if (project !== "" && row.project !== project) continue;
      if (!includeEnded && ["expired", "revoked"].includes(keys.stateOf(row))) continue;
      if (page.length === pageSize) {
        return { keys: page.map((one) => this.#message(one)), nextPageToken: page.at(-1)!.id };
      }
      page.push(row);
    }
    return { keys: page.map((row) => this.#message(row)), nextPageToken: "" };
  }

  async update(request: UpdateKeyRequest, deed: Deed): Promise<Key> {
    const { runtime, source } = this.#ports;
    const change = changeOf(request);
    return this.#change(request.id, "key.update", deed, (row) => {
      checkMayChange(deed.caller, row, "update");
      refuseRevoked(row);
      const next = { ...row, ...change };
      const expiresAtMs = "expiresAtMs" in change ? next.expiresAtMs : undefined;
      checkGrant(deed.caller, { ...next, role: row.role as Role, expiresAtMs }, source(), runtime.nowMs());
      return next;
    });
  }

  async rotate({ id, overlap }: RotateKeyRequest, deed: Deed): Promise<{ key: Key; text: string }> {
    const { runtime, keys } = this.#ports;
    const overlapMs = overlap ? durationMs(overlap) : DEFAULT_OVERLAP_MS;
    const text = makeKey(runtime, id);
    const key = await this.#change(id, "key.rotate", deed, (row) => {
      checkMayChange(deed.caller, row, "rotate");
      refuseRevoked(row);
      const nowMs = runtime.nowMs();
      const untilMs = nowMs + overlapMs;
      const old = row.secrets
        .map((secret) => ({ ...secret, validUntilMs: Math.min(secret.validUntilMs ?? Infinity, untilMs) }))
        .filter(({ validUntilMs }) => validUntilMs > nowMs);
      if (old.length >= MAX_SECRETS) {
        throw new ParleyError(
          "CONFLICT",
          `Cannot rotate the key: ${old.length} of its texts are still taken; wait for their end, or rotate with overlap 0`,
          { field: "overlap" },
        );
      }
      const secret = { digest: keys.digest(text), createdAtMs: nowMs, validUntilMs: undefined };
      return { ...row, secrets: [secret, ...old] };
    });
    return { key, text };
  }

  async revoke(id: string, deed: Deed): Promise<Key> {
    return this.#change(id, "key.revoke", deed, (row) => {
      checkMayChange(deed.caller, row, "revoke");
      return row.revokedAtMs === undefined ? { ...row, revokedAtMs: this.#ports.runtime.nowMs() } : row;
    });
  }

  /** Changes a stored key; where another replica was first, once more from what that one made of it. */
  async #change(id: string, action: string, deed: Deed, change: (row: KeyRow) => KeyRow): Promise<Key> {
    for (let tries = 1; ; tries++) {
      const row = this.#find(id, deed.caller);
      const next = change(row);
      if (next === row) return this.#message(row);
      try {
        return await this.#save(next, row, action, deed);
      } catch (thrown) {
        const isLate = thrown instanceof ParleyError && thrown.reason === ErrorReason.CONFLICT;
        if (!isLate || tries === MAX_TRIES) throw thrown;
        await this.#ports.refresh();
      }
    }
  }

  async #save(draft: KeyDraft, before: KeyRow | undefined, action: string, deed: Deed): Promise<Key> {
    const { store, keys, feed, runtime, onAudit } = this.#ports;
    const { row, head } = await store.save(draft, before?.revision ?? 0, {
      atMs: runtime.nowMs(),
      actor: deed.caller.keyId,
      action,
      subject: `key:${draft.id}`,
      organisation: draft.organisation,
      project: draft.project,
      before: auditText(before),
      after: auditText(draft),
      requestId: deed.requestId,
    });
    keys.take([row]);
    feed?.announce("keys");
    onAudit(head);
    return this.#message(row);
  }

  #find(id: string, caller: Principal): KeyRow {
    const row = this.#ports.keys.row(id);
    // Whether a key of somebody else exists is none of the caller's business.
    if (row && covers(caller, row)) return row;
    throw new ParleyError("NOT_FOUND", "Cannot find the key: none that you may see has this id", { field: "id" });
  }

  #message(row: KeyRow): Key {
    const { keys, runtime } = this.#ports;
    return keyMessage(row, keys.stateOf(row), runtime.nowMs());
  }
}

type Change = Partial<Pick<KeyDraft, "name" | "scopes" | "policy" | "labels" | "expiresAtMs">>;

/** The fields that a mask names, by the mask's words. */
const FIELDS: Readonly<Record<string, (request: UpdateKeyRequest) => Change>> = {
  name: ({ name }) => ({ name }),
  scopes: ({ scopes }) => ({ scopes }),
  policy: ({ policy }) => ({ policy: policy || undefined }),
  labels: ({ labels }) => ({ labels }),
  expires_at: ({ expiresAt }) => ({ expiresAtMs: expiresAt && timestampMs(expiresAt) }),
};

function changeOf(request: UpdateKeyRequest): Change {
  const paths = request.updateMask?.paths ?? [];
  const unknown = paths.find((path) => !Object.hasOwn(FIELDS, path));
  if (unknown !== undefined || paths.length === 0) {
    throw invalid("update_mask", `name one or more of ${Object.keys(FIELDS).join(", ")}`);
  }
  let change: Change = {};
  for (const path of paths) change = { ...change, ...FIELDS[path]!(request) };
  if (change.name === "") throw invalid("name", "a key needs a name");
  return change;
}

function refuseRevoked(row: KeyRow): void {
  if (row.revokedAtMs === undefined) return;
  throw new ParleyError("CONFLICT", "Cannot change the key: it was revoked, for good; make another one", {
    field: "id",
  });
}
