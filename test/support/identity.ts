import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualRuntime } from "../../src/runtime/virtual.ts";
import type { AuditDraft } from "../../src/store/audit-chain.ts";
import type { KeyDraft } from "../../src/store/key-store.ts";
import { openDatabase, type Database } from "../../src/store/sql/database.ts";
import { keyIdOf, makeKey } from "../../src/policy/identity/key-format.ts";
import type { MadeKeys } from "../../src/policy/identity/made-keys.ts";

/** A file of SQLite that replicas of a test share. */
export interface SharedFile extends AsyncDisposable {
  /** Opens it once more, as another replica would. */
  open(): Promise<Database>;
}

/** A database in a folder of its own, gone with the test. */
export function sharedFile(): SharedFile {
  const folder = mkdtempSync(join(tmpdir(), "parley-identity-"));
  const opened: Database[] = [];
  return {
    async open() {
      const database = await openDatabase({ file: join(folder, "parley.sqlite") });
      opened.push(database);
      return database;
    },
    async [Symbol.asyncDispose]() {
      for (const database of opened) await database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A new key with its text, as the service would write it. */
export function draftKey(
  made: MadeKeys,
  over: Partial<KeyDraft> = {},
): { readonly draft: KeyDraft; readonly text: string } {
  const text = makeKey(new VirtualRuntime({ seed: (seeds += 1) }));
  const draft: KeyDraft = {
    id: keyIdOf(text),
    name: "ci",
    role: "chat",
    scopes: [],
    organisation: undefined,
    project: undefined,
    policy: undefined,
    labels: {},
    createdAtMs: 0,
    createdBy: "fixed:admin",
    expiresAtMs: undefined,
    revokedAtMs: undefined,
    secrets: [{ digest: made.digest(text), createdAtMs: 0, validUntilMs: undefined }],
    ...over,
  };
  return { draft, text };
}

let seeds = 0;

/** An entry of the audit log about a key. */
export function entryAbout(draft: KeyDraft, action = "key.create"): AuditDraft {
  const { organisation, project } = draft;
  const place = { organisation, project };
  return {
    ...place,
    atMs: 0,
    actor: "fixed:admin",
    action,
    subject: `key:${draft.id}`,
    before: "",
    after: "{}",
    requestId: "req_1",
  };
}
