import type { Config } from "./config/config.ts";
import type { Log } from "./observe/log.ts";
import type { Authenticator } from "./policy/identity/authenticator.ts";
import { openIdentity } from "./policy/identity/open-identity.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { createAuditService } from "./services/audit.ts";
import { createBrowserKeysService } from "./services/browser-keys.ts";
import { createKeysService } from "./services/keys.ts";
import { createPoliciesService, type PoliciesPorts } from "./services/policies.ts";
import { ChainCheck, headText, type AuditDraft } from "./store/audit-chain.ts";
import type { ChangeFeed } from "./store/change-feed.ts";
import type { AuditLog } from "./store/key-store.ts";
import { createSqlAuditLog } from "./store/sql/audit-log.ts";
import type { Database } from "./store/sql/database.ts";
import { createSqlKeyStore } from "./store/sql/key-store.ts";
import type { AdminServices } from "./surfaces/gateway.ts";

/** Everybody who may call, and what administers them. */
export interface Administration {
  readonly authenticator: Authenticator;
  readonly services: AdminServices;
  readonly auditLog: AuditLog;
  /** Writes into the audit log that another configuration is in force. */
  reloaded(config: Config): void;
  close(): Promise<void>;
}

/** What administration needs of the gateway around it. */
export interface AdministrationPorts {
  readonly runtime: Runtime;
  readonly log: Log;
  /** Tells other replicas of changes, and this one of theirs; unset: it is alone, or polls. */
  readonly feed?: ChangeFeed | undefined;
  /** Where a chat request of a caller would go now. */
  readonly decide: PoliciesPorts["decide"];
}

/** Loads the keys of the database and builds what administers them. */
export async function openAdministration(
  database: Database,
  { runtime, log, decide, feed }: AdministrationPorts,
): Promise<Administration> {
  const store = createSqlKeyStore(database, runtime);
  const identity = await openIdentity({
    store,
    runtime,
    feed,
    onReachable: (reachable) =>
      reachable
        ? log.info("changes of keys are followed again")
        : log.error("changes of keys cannot be followed: the database does not answer; the known keys stay in force"),
  });
  const auditLog = createSqlAuditLog(database);
  const services: AdminServices = {
    keys: createKeysService({
      keys: identity.made,
      store,
      runtime,
      source: () => identity.made.source,
      refresh: () => identity.refresh(),
      feed,
      // Kept outside the database by whoever keeps the log: a later head must contain it.
      onAudit: (head) => log.info("the audit log has grown", { head: headText(head) }),
    }),
    browserKeys: createBrowserKeysService({
      mint: (parentId, rights, untilMs) => identity.authenticator.mint(parentId, rights, untilMs),
      nowMs: () => runtime.nowMs(),
    }),
    policies: createPoliciesService({
      rightsOf: (id) => identity.authenticator.rights(id),
      source: () => identity.made.source,
      decide,
    }),
    audit: createAuditService({ log: auditLog, newCheck: (known) => new ChainCheck(known) }),
  };
  return {
    authenticator: identity.authenticator,
    services,
    auditLog,
    reloaded(config) {
      auditLog.append(reloadEntry(config, runtime.nowMs())).catch(() => {
        log.error("the audit log could not be told of the changed configuration: the database does not answer");
      });
    },
    close: () => identity.close(),
  };
}

// Names only: what a configuration says of keys and credentials stays in its file.
function reloadEntry({ source, keys, policies, organisations, providers, routes }: Config, atMs: number): AuditDraft {
  const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);
  const after = {
    keys: names(keys),
    policies: names(policies),
    organisations: names(organisations),
    providers: names(providers),
    routes: names(routes),
  };
  return {
    atMs,
    actor: "operator",
    action: "configuration.reload",
    subject: `configuration:${source}`,
    organisation: undefined,
    project: undefined,
    before: "",
    after: JSON.stringify(after),
    requestId: "",
  };
}
