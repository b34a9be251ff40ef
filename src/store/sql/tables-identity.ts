/** Tables of `migrations/0002-identity.ts`. Unknown texts are empty, lists and maps are JSON, times are wall clocks. */
export interface IdentityTables {
  identity_keys: IdentityKeyRow;
  identity_secrets: { name: string; secret: string };
  audit_entries: AuditEntryRow;
  /** One row: the end of the chain, which every change locks, so that places in it are given in the order of commits. */
  audit_head: { id: number; seq: number; hash: string };
}

/** A key that was made at run time. */
export interface IdentityKeyRow {
  id: string;
  name: string;
  role: string;
  scopes: string;
  organisation: string;
  project: string;
  policy: string;
  labels: string;
  created_at_ms: number;
  created_by: string;
  expires_at_ms: number | null;
  revoked_at_ms: number | null;
  last_used_at_ms: number | null;
  /** Digests with their times, the newest first. */
  secrets: string;
  /** Place in the audit log of its last change. */
  revision: number;
}

/** An administrative change. Never changed. */
export interface AuditEntryRow {
  seq: number;
  at_ms: number;
  actor: string;
  action: string;
  subject: string;
  organisation: string;
  project: string;
  before_json: string;
  after_json: string;
  request_id: string;
  previous_hash: string;
  hash: string;
}
