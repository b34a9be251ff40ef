import type { ChatCall, ChatOutcome, EventSink } from "../pipeline/call.ts";
import type { Principal } from "../policy/principal.ts";
import type { ExplainService } from "../services/explain.ts";
import type { ModelsService } from "../services/models.ts";
import type { UsageService } from "../services/usage.ts";

/** What a surface needs of the gateway. The app builds it; every surface gets the same one. */
export interface Gateway {
  /** Runs one chat request. Never rejects; see `ChatOutcome`. */
  chat(call: ChatCall, sink: EventSink): Promise<ChatOutcome>;
  /** Who holds this key. Throws `UNAUTHENTICATED`. */
  authenticate(credential: string | undefined): Principal;
  readonly models: ModelsService;
  readonly explain: ExplainService;
  readonly usage: UsageService;
  /** A request id, ours and unique. */
  newRequestId(): string;
  /** An id for an error that happened before or outside the pipeline. */
  newErrorId(): string;
}
