import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Client } from "@connectrpc/connect";
import {
  ExportFormat,
  UsageDimension,
  UsageFilterSchema,
  UsageService,
  type UsageFilter,
  type UsageRow,
  type UsageTotals,
} from "../contract/admin.ts";
import { realRuntime } from "../runtime/real.ts";
import { CommandError, type Command, type CommandInput, type Output } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { usdText } from "./models-command.ts";

const PAGE_SIZE = 1000;

const DIMENSIONS: Readonly<Record<string, UsageDimension>> = {
  organisation: UsageDimension.ORGANISATION,
  project: UsageDimension.PROJECT,
  key: UsageDimension.KEY,
  provider: UsageDimension.PROVIDER,
  model: UsageDimension.MODEL,
  "requested-model": UsageDimension.REQUESTED_MODEL,
  day: UsageDimension.DAY,
  hour: UsageDimension.HOUR,
};

const FORMATS: Readonly<Record<string, ExportFormat>> = { csv: ExportFormat.CSV, ndjson: ExportFormat.NDJSON };

/** `usage`: what was used and what it cost. */
export const usageCommand: Command = {
  usage: "usage [REQUEST_ID]",
  summary: "Say what was used and what it cost, from the ledger; with the id of a request, what became of it.",
  flags: {
    by: `groups, separated by commas, of ${Object.keys(DIMENSIONS).join(", ")}, tag:NAME`,
    since: "from this moment on, such as 2026-11-01 or 2026-11-20T08:00Z, or for so long, such as 24h or 7d",
    until: "before this moment",
    key: "only these keys, by id, separated by commas",
    organisation: "only these organisations",
    project: "only these projects, as organisation/project",
    provider: "only these providers",
    model: "only these models, as provider/model",
    tag: "only attempts with these tags, as NAME=VALUE, separated by commas",
    export: "one line per attempt as csv or ndjson, to standard output",
    ...CLIENT_FLAGS,
  },
  counts: [0, 1],
  async run(input, context) {
    const filter = filterOf(input);
    const format = formatOf(input);
    const groups = (input.flags.get("by") ?? "").split(",").filter((word) => word !== "");
    const groupBy = groups.map(dimensionOf);
    const { url, transport } = connectToGateway(input, context);
    const client = createClient(UsageService, transport);
    const [requestId] = input.args;
    try {
      if (requestId !== undefined) await showRequest(client, requestId, context.stdout);
      else if (format !== undefined) {
        for await (const { chunk } of client.exportUsage({ filter, format })) {
          context.stdout.write(Buffer.from(chunk).toString("utf8"));
        }
      } else await showSums(client, { filter, groups, groupBy }, context.stdout);
    } catch (error) {
      throw callFailure("tell usage", error, url);
    }
  },
};

interface Asked {
  readonly filter: UsageFilter;
  readonly groups: readonly string[];
  readonly groupBy: UsageDimension[];
}

async function showSums(
  client: Client<typeof UsageService>,
  { filter, groups, groupBy }: Asked,
  out: Output,
): Promise<void> {
  const tagName = groups.find((word) => word.startsWith("tag:"))?.slice("tag:".length) ?? "";
  const rows: UsageRow[] = [];
  let pageToken = "";
  let total: UsageTotals | undefined;
  do {
    const page = await client.queryUsage({ filter, groupBy, tagName, pageSize: PAGE_SIZE, pageToken });
    rows.push(...page.rows);
    total = page.total;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  const heading = [...groups, "attempts", "failed", "input tokens", "output tokens", "cost"];
  const lines = rows.map(({ values, totals }) => [...values.map((value) => value || "-"), ...cellsOf(totals)]);
  if (total) lines.push([...groups.map((_, index) => (index === 0 ? "total" : "")), ...cellsOf(total)]);
  writeTable([heading, ...lines], groups.length, out);
  const { estimatedAttempts = 0n, unpricedAttempts = 0n } = total ?? {};
  if (estimatedAttempts > 0n) out.write(`${estimatedAttempts} attempts are estimated\n`);
  if (unpricedAttempts > 0n) out.write(`${unpricedAttempts} attempts have no known price and count nothing\n`);
}

function cellsOf(totals: UsageTotals | undefined): string[] {
  const { attempts = 0n, failedAttempts = 0n, inputTokens = 0n, outputTokens = 0n, nanoUsd = 0n } = totals ?? {};
  return [...[attempts, failedAttempts, inputTokens, outputTokens].map(String), moneyText(nanoUsd)];
}

function moneyText(nanoUsd: bigint): string {
  return nanoUsd < 0n ? `-${usdText(-nanoUsd)}` : usdText(nanoUsd);
}

function writeTable(rows: readonly (readonly string[])[], texts: number, out: Output): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column < texts ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    out.write(`${cells.join("  ").trimEnd()}\n`);
  }
}

async function showRequest(client: Client<typeof UsageService>, requestId: string, out: Output): Promise<void> {
  const { attempts } = await client.listAttempts({ requestId });
  for (const one of attempts) {
    const why = one.reason === "" ? "" : ` (${one.reason})`;
    const cost = `${moneyText(one.nanoUsd)}${one.estimated ? ", estimated" : ""}`;
    out.write(`attempt ${one.attempt} at ${one.provider}/${one.model}: ${one.state}${why}, ${cost}\n`);
    for (const event of one.events) out.write(`  ${event.number}. ${event.kind}, replica ${event.replica}\n`);
    for (const { compensationId, deltaNanoUsd, reason, actor } of one.compensations) {
      out.write(`  corrected by ${moneyText(deltaNanoUsd)} (${compensationId}, ${actor}): ${reason}\n`);
    }
  }
}

function dimensionOf(word: string): UsageDimension {
  if (/^tag:.+/.test(word)) return UsageDimension.TAG;
  const dimension = Object.hasOwn(DIMENSIONS, word) ? DIMENSIONS[word] : undefined;
  if (dimension !== undefined) return dimension;
  const names = Object.keys(DIMENSIONS).join(", ");
  throw new CommandError(`Cannot group by ${JSON.stringify(word)}: expected ${names} or tag:NAME`, 2);
}

function formatOf({ flags }: CommandInput): ExportFormat | undefined {
  const word = flags.get("export");
  if (word === undefined) return undefined;
  const format = Object.hasOwn(FORMATS, word) ? FORMATS[word] : undefined;
  if (format === undefined) throw new CommandError("Cannot read the flag --export: expected csv or ndjson", 2);
  return format;
}

function filterOf({ flags }: CommandInput): UsageFilter {
  const list = (flag: string): string[] => (flags.get(flag) ?? "").split(",").filter((word) => word !== "");
  const filter = create(UsageFilterSchema, {
    keyIds: list("key"),
    organisations: list("organisation"),
    projects: list("project"),
    providers: list("provider"),
    models: list("model"),
  });
  for (const tag of list("tag")) {
    const [name = "", ...value] = tag.split("=");
    if (value.length === 0) throw new CommandError("Cannot read the flag --tag: expected NAME=VALUE", 2);
    filter.tags[name] = value.join("=");
  }
  const [since, until] = ["since", "until"].map((flag) => momentOf(flag, flags.get(flag)));
  if (since !== undefined) filter.since = timestampFromMs(since);
  if (until !== undefined) filter.until = timestampFromMs(until);
  return filter;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function momentOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ""] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (count !== undefined) return realRuntime().nowMs() - Number(count) * (UNIT_MS[unit] ?? 0);
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(moment)) return moment;
  throw new CommandError(`Cannot read the flag --${flag}: expected a moment such as 2026-11-20T08:00Z, or 24h`, 2);
}
