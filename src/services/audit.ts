import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AuditEntrySchema,
  AuditHeadSchema,
  type AuditEntry as AuditEntryMessage,
  type AuditHead as AuditHeadMessage,
  type ListAuditEntriesRequest,
  type VerifyAuditLogRequest,
} from "../contract/admin.ts";
import type { Principal } from "../policy/principal.ts";
import type { AuditEntry, AuditHead, ChainCheck } from "../store/audit-chain.ts";
import type { AuditLog } from "../store/key-store.ts";

const DEFAULT_PAGE_SIZE = 100;
/** Entries that a verification reads at a time. */
const PORTION = 1000;

/** Reads the log of administrative changes. */
export interface AuditService {
  list(
    request: ListAuditEntriesRequest,
    caller: Principal,
  ): Promise<{ readonly entries: AuditEntryMessage[]; readonly head: AuditHeadMessage }>;
  verify(request: VerifyAuditLogRequest): Promise<{
    readonly intact: boolean;
    readonly head: AuditHeadMessage;
    readonly firstBadSeq?: bigint;
    readonly problem: string;
  }>;
}

/** What the service asks of its surroundings. */
export interface AuditPorts {
  readonly log: AuditLog;
  /** A check of a whole chain, which must contain a head that is known from earlier. */
  readonly newCheck: (known: AuditHead | undefined) => ChainCheck;
}

/** The service over the log in the database. */
export function createAuditService({ log, newCheck }: AuditPorts): AuditService {
  return {
    async list(request, caller) {
      const { pageSize = DEFAULT_PAGE_SIZE, afterSeq, from, to, actor, subject } = request;
      const isBound = caller.role !== "admin";
      const head = await log.head();
      const entries = await log.entries({
        afterSeq: Number(afterSeq),
        limit: pageSize,
        fromMs: from && timestampMs(from),
        toMs: to && timestampMs(to),
        actor: actor || undefined,
        subject: subject || undefined,
        organisation: isBound ? caller.organisation : undefined,
        project: isBound ? caller.project : undefined,
      });
      return { entries: entries.map(entryMessage), head: headMessage(head) };
    },
    async verify({ knownHead }) {
      const check = newCheck(knownHead && { seq: Number(knownHead.seq), hash: knownHead.hash });
      // The head first: entries that are appended meanwhile are no mistake.
      const head = await log.head();
      for (;;) {
        const limit = Math.min(PORTION, head.seq - check.head.seq);
        const entries = await log.entries({ afterSeq: check.head.seq, limit: Math.max(1, limit) });
        const known = entries.filter(({ seq }) => seq <= head.seq);
        if (!check.take(known) || known.length === 0) break;
      }
      const problem = check.end(head);
      return {
        intact: problem === undefined,
        head: headMessage(head),
        problem: problem?.why ?? "",
        ...(problem ? { firstBadSeq: BigInt(problem.seq) } : {}),
      };
    },
  };
}

function headMessage({ seq, hash }: AuditHead): AuditHeadMessage {
  return create(AuditHeadSchema, { seq: BigInt(seq), hash });
}

function entryMessage(entry: AuditEntry): AuditEntryMessage {
  return create(AuditEntrySchema, {
    seq: BigInt(entry.seq),
    at: timestampFromMs(entry.atMs),
    actor: entry.actor,
    action: entry.action,
    subject: entry.subject,
    organisation: entry.organisation ?? "",
    project: entry.project ?? "",
    beforeJson: entry.before,
    afterJson: entry.after,
    requestId: entry.requestId,
    previousHash: entry.previousHash,
    hash: entry.hash,
  });
}
