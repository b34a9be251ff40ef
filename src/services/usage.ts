import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  ExportFormat,
  UsageDimension,
  type CompensateAttemptRequest,
  type CompensateAttemptResponseSchema,
  type ExportUsageRequest,
  type ListAttemptsResponseSchema,
  type QueryUsageRequest,
  type QueryUsageResponseSchema,
  type UsageFilter as UsageFilterMessage,
} from "../contract/admin.ts";
import { ParleyError } from "../errors/index.ts";
import { exportHead, exportLine } from "../ledger/export.ts";
import type { Correction, Reconciled } from "../ledger/reconcile.ts";
import type { AuditLog } from "../store/key-store.ts";
import type { Deed } from "./keys.ts";
import type { Principal } from "../policy/principal.ts";
import type { UsageDimension as Dimension, UsageFilter, LinePlace, UsageStore } from "../store/usage-store.ts";
import { lineMessages, totalsMessage } from "./usage-messages.ts";

/** What was used, as one caller may know it: administrators everything, others what is their key's. */
export interface UsageService {
  /** Sums in groups. Throws `INVALID_REQUEST`, `PERMISSION_DENIED`. */
  query(principal: Principal, request: QueryUsageRequest): Promise<MessageInitShape<typeof QueryUsageResponseSchema>>;
  /** A request's attempts. Throws `NOT_FOUND`, also where the request is another key's. */
  attempts(principal: Principal, requestId: string): Promise<MessageInitShape<typeof ListAttemptsResponseSchema>>;
  /** A file in pieces of whole lines. Throws `PERMISSION_DENIED`. */
  export(principal: Principal, request: ExportUsageRequest): AsyncIterable<Uint8Array>;
  /** Corrects an attempt. Throws `PERMISSION_DENIED`, `NOT_FOUND`, `CONFLICT`. */
  compensate(
    deed: Deed,
    request: CompensateAttemptRequest,
  ): Promise<MessageInitShape<typeof CompensateAttemptResponseSchema>>;
}

/** What the service asks of its surroundings. */
export interface UsagePorts {
  readonly store: UsageStore;
  /** Resolves when everything written so far is in the tables. */
  readonly caughtUp: () => Promise<void>;
  readonly reconcile: (correction: Correction) => Promise<Reconciled>;
  /** Hears of each correction before it is made. */
  readonly audit: Pick<AuditLog, "append">;
  readonly nowMs: () => number;
}

const DEFAULT_PAGE_SIZE = 100;
/** Lines of one piece of an export, which SQLite reads in one turn. */
const EXPORT_LINES = 250;

/** The service over the tables of the ledger. */
export function createUsageService(ports: UsagePorts): UsageService {
  const { store, caughtUp, reconcile, audit, nowMs } = ports;
  return {
    async query(principal, request) {
      const page = request.pageToken === "" ? undefined : readToken(request);
      const filter = filterOf(principal, request.filter, page?.untilMs ?? nowMs());
      const dimensions = request.groupBy.map((one) => dimensionOf(one, request.tagName));
      await caughtUp();
      const limit = request.pageSize ?? DEFAULT_PAGE_SIZE;
      const [total] = await store.groups(filter, [], { after: undefined, limit: 1 });
      const groups =
        dimensions.length === 0 ? [] : await store.groups(filter, dimensions, { after: page?.after, limit: limit + 1 });
      const shown = groups.slice(0, limit);
      const last = shown.at(-1)?.values;
      return {
        rows: shown.map(({ values, sums }) => ({
          values: values.map((value, index) => valueText(dimensions[index], value)),
          totals: totalsMessage(sums),
        })),
        total: totalsMessage(total!.sums),
        nextPageToken: groups.length > limit && last ? tokenOf({ untilMs: filter.untilMs, after: last }) : "",
        until: timestampFromMs(filter.untilMs),
      };
    },
    async attempts(principal, requestId) {
      await caughtUp();
      const lines = await store.request(requestId);
      const { keyId, project, organisation } = boundOf(principal);
      const isSeen = lines.attempts.every(
        (row) =>
          (keyId ?? row.key_id) === row.key_id &&
          (project ?? row.project) === row.project &&
          (organisation ?? row.organisation) === row.organisation,
      );
      if (lines.attempts.length > 0 && isSeen) {
        return { attempts: lineMessages(lines, principal.role === "admin") };
      }
      const message = "Cannot list the attempts: no request of this key has this id, or it never left the gateway";
      throw new ParleyError("NOT_FOUND", message, { field: "request_id" });
    },
    export: (principal, request) => exportOf(ports, filterOf(principal, request.filter, nowMs()), request.format),
    async compensate({ caller, requestId: ownRequestId }, { requestId, attempt, compensationId, nanoUsd, reason }) {
      const correction = { requestId, attempt, compensationId, nanoUsd: Number(nanoUsd), reason };
      const row = (await store.request(requestId)).attempts.find((one) => one.attempt === attempt);
      await audit.append({
        atMs: nowMs(),
        actor: caller.keyId,
        action: "usage.compensate",
        subject: `attempt:${requestId}/${attempt}`,
        organisation: row?.organisation ?? undefined,
        project: row?.project ?? undefined,
        before: row ? JSON.stringify({ charged_nano_usd: row.charged_nano_usd }) : "",
        after: JSON.stringify({ charged_nano_usd: correction.nanoUsd, compensation_id: compensationId, reason }),
        requestId: ownRequestId,
      });
      const { applied, lines } = await reconcile({ ...correction, actor: caller.keyId });
      const line = lineMessages(lines, true).find((one) => one.attempt === attempt);
      return { applied, ...(line ? { attempt: line } : {}) };
    },
  };
}

async function* exportOf(
  { store, caughtUp }: UsagePorts,
  filter: UsageFilter,
  asked: ExportFormat,
): AsyncIterable<Uint8Array> {
  const format = asked === ExportFormat.NDJSON ? "ndjson" : "csv";
  await caughtUp();
  let text = exportHead(format);
  let after: LinePlace | undefined;
  for (;;) {
    const rows = await store.lines(filter, after, EXPORT_LINES);
    for (const row of rows) text += exportLine(format, row);
    if (text !== "") yield Buffer.from(text);
    if (rows.length < EXPORT_LINES) return;
    text = "";
    after = rows.at(-1);
  }
}

/** What the caller may see of what it asks for. */
function filterOf(principal: Principal, asked: UsageFilterMessage | undefined, untilMs: number): UsageFilter {
  const { providers = [], models = [], tags = {} } = asked ?? {};
  const bound = boundOf(principal);
  return {
    sinceMs: asked?.since ? timestampMs(asked.since) : 0,
    untilMs: asked?.until ? timestampMs(asked.until) : untilMs,
    organisations: within("organisations", asked?.organisations ?? [], bound.organisation),
    projects: within("projects", asked?.projects ?? [], bound.project),
    keyIds: within("key_ids", asked?.keyIds ?? [], bound.keyId),
    providers,
    models,
    tags,
  };
}

/** Whose lines a caller may see: an administrator all, who looks after others those of its own tenant, else its key's. */
function boundOf({ role, keyId, organisation, project }: Principal): {
  organisation?: string;
  project?: string;
  keyId?: string;
} {
  if (role === "admin") return {};
  if (role === "chat") return { keyId };
  if (project !== undefined) return { project };
  return organisation === undefined ? {} : { organisation };
}

function within(field: string, asked: readonly string[], bound: string | undefined): readonly string[] {
  if (bound === undefined) return asked;
  if (asked.every((one) => one === bound)) return [bound];
  const message = `Cannot show usage: the key may see that of ${bound} only; ask another key, or leave the filter out`;
  throw new ParleyError("PERMISSION_DENIED", message, { field: `filter.${field}` });
}

const DIMENSIONS: Readonly<Partial<Record<UsageDimension, Dimension>>> = {
  [UsageDimension.ORGANISATION]: "organisation",
  [UsageDimension.PROJECT]: "project",
  [UsageDimension.KEY]: "key",
  [UsageDimension.PROVIDER]: "provider",
  [UsageDimension.MODEL]: "model",
  [UsageDimension.REQUESTED_MODEL]: "requested_model",
  [UsageDimension.DAY]: "day",
  [UsageDimension.HOUR]: "hour",
};

function dimensionOf(asked: UsageDimension, tag: string): Dimension {
  const dimension = DIMENSIONS[asked];
  if (dimension) return dimension;
  if (tag !== "") return { tag };
  throw new ParleyError("INVALID_REQUEST", "Cannot group by a tag: tag_name is empty; name the tag", {
    field: "tag_name",
  });
}

function valueText(dimension: Dimension | undefined, value: string): string {
  if (dimension === "day") return new Date(Number(value) * 86_400_000).toISOString().slice(0, 10);
  if (dimension === "hour") return `${new Date(Number(value) * 3_600_000).toISOString().slice(0, 16)}Z`;
  return value;
}

/** Where a page goes on: behind these values, over the same time. */
interface PagePlace {
  readonly untilMs: number;
  readonly after: readonly string[];
}

function tokenOf({ untilMs, after }: PagePlace): string {
  return Buffer.from(JSON.stringify([untilMs, ...after])).toString("base64url");
}

function readToken({ pageToken, groupBy }: QueryUsageRequest): PagePlace {
  try {
    const [untilMs, ...after] = JSON.parse(Buffer.from(pageToken, "base64url").toString("utf8")) as unknown[];
    const isOurs = Number.isSafeInteger(untilMs) && after.length === groupBy.length;
    if (isOurs && after.every((one) => typeof one === "string")) return { untilMs: untilMs as number, after };
  } catch {
    // Not one of ours either.
  }
  const message = "Cannot query usage: page_token is not the token of an earlier page; start anew without one";
  throw new ParleyError("INVALID_REQUEST", message, { field: "page_token" });
}
