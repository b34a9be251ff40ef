import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { KeyRole, KeySchema, KeyState, type Key } from "../contract/admin.ts";
import type { MadeKeyState } from "../policy/identity/made-keys.ts";
import type { Role } from "../policy/identity/roles.ts";
import type { KeyDraft, KeyRow } from "../store/key-store.ts";

/** The contract's values of roles. */
export const ROLE_VALUES: Readonly<Record<Role, KeyRole>> = {
  admin: KeyRole.ADMIN,
  chat: KeyRole.CHAT,
  viewer: KeyRole.VIEWER,
  "key-manager": KeyRole.KEY_MANAGER,
};

const STATE_VALUES: Readonly<Record<MadeKeyState, KeyState>> = {
  active: KeyState.ACTIVE,
  expired: KeyState.EXPIRED,
  revoked: KeyState.REVOKED,
  unusable: KeyState.UNUSABLE,
};

/** The role that a value of the contract names; unset: chat. */
export function roleOf(value: KeyRole): Role {
  const names = Object.keys(ROLE_VALUES) as Role[];
  return names.find((name) => ROLE_VALUES[name] === value) ?? "chat";
}

/** A key as the contract shows it: everything but what could tell its text. */
export function keyMessage(row: KeyRow, state: MadeKeyState, nowMs: number): Key {
  const message: MessageInitShape<typeof KeySchema> = {
    id: row.id,
    name: row.name,
    role: ROLE_VALUES[row.role as Role] ?? KeyRole.UNSPECIFIED,
    scopes: [...row.scopes],
    organisation: row.organisation ?? "",
    project: row.project ?? "",
    policy: row.policy ?? "",
    labels: { ...row.labels },
    state: STATE_VALUES[state],
    createdAt: timestampFromMs(row.createdAtMs),
    createdBy: row.createdBy,
    secrets: row.secrets
      .filter(({ validUntilMs = Infinity }) => validUntilMs > nowMs)
      .map(({ createdAtMs, validUntilMs }) => ({
        createdAt: timestampFromMs(createdAtMs),
        ...(validUntilMs === undefined ? {} : { validUntil: timestampFromMs(validUntilMs) }),
      })),
    revision: BigInt(row.revision),
  };
  if (row.expiresAtMs !== undefined) message.expiresAt = timestampFromMs(row.expiresAtMs);
  if (row.revokedAtMs !== undefined) message.revokedAt = timestampFromMs(row.revokedAtMs);
  if (row.lastUsedAtMs !== undefined) message.lastUsedAt = timestampFromMs(row.lastUsedAtMs);
  return create(KeySchema, message);
}

/** A key as the audit log keeps it: JSON without digests. Undefined: there was none. */
export function auditText(row: KeyDraft | undefined): string {
  if (!row) return "";
  const { id, name, role, scopes, organisation, project, policy, labels, createdBy, secrets } = row;
  const time = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return JSON.stringify({
    id,
    name,
    role,
    scopes,
    organisation,
    project,
    policy,
    labels,
    created_by: createdBy,
    created_at: time(row.createdAtMs),
    expires_at: time(row.expiresAtMs),
    revoked_at: time(row.revokedAtMs),
    secrets: secrets.map((one) => ({ created_at: time(one.createdAtMs), valid_until: time(one.validUntilMs) })),
  });
}
