import type { ChatCall, ChatOutcome, EventSink } from "../pipeline/call.ts";
import type { PoliciesService } from "../services/policies.ts";
import type { Credentials } from "../policy/identity/credentials.ts";
import type { Scope } from "../policy/identity/roles.ts";
import type { Principal } from "../policy/principal.ts";
import type { AuditService } from "../services/audit.ts";
import type { BrowserKeysService } from "../services/browser-keys.ts";
import type { BudgetsService } from "../services/budgets.ts";
import type { ExplainService } from "../services/explain.ts";
import type { KeysService } from "../services/keys.ts";
import type { ModelsService } from "../services/models.ts";
import type { UsageService } from "../services/usage.ts";

/** What `parley.admin.v1` serves, a service each. */
export interface AdminServices {
  readonly keys: KeysService;
  readonly browserKeys: BrowserKeysService;
  readonly policies: PoliciesService;
  readonly audit: AuditService;
}

/** What a surface needs of the gateway. The app builds it; every surface gets the same one. */
export interface Gateway {
  /** Runs one chat request. Never rejects; see `ChatOutcome`. */
  chat(call: ChatCall, sink: EventSink): Promise<ChatOutcome>;
  /**
   * Who sends these credentials, and has this scope; undefined: any. A promise only for tokens not seen before. Throws
   * `UNAUTHENTICATED` or `PERMISSION_DENIED`.
   */
  authenticate(credentials: Credentials, scope: Scope | undefined): Principal | Promise<Principal>;
  readonly models: ModelsService;
  readonly explain: ExplainService;
  readonly admin: AdminServices;
  readonly budgets: BudgetsService;
  readonly usage: UsageService;
  /** A request id, ours and unique. */
  newRequestId(): string;
  /** An id for an error that happened before or outside the pipeline. */
  newErrorId(): string;
}
