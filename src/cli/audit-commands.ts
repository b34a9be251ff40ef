import { timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient, type Client } from "@connectrpc/connect";
import { AuditService, type AuditEntry as AuditEntryMessage } from "../contract/admin.ts";
import { ChainCheck, headText, readHead, type AuditEntry, type AuditHead } from "../store/audit-chain.ts";
import { CommandError, type CliContext, type Command, type CommandInput } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { writeTable } from "./table.ts";

const PAGE_SIZE = 1000;

/** `audit list`: who changed what. */
export const auditListCommand: Command = {
  usage: "audit list",
  summary: "List administrative changes, the oldest first.",
  flags: {
    after: "only entries after this number",
    actor: "only what the key with this id did",
    subject: "only what was done to this, such as key:0f1e2d3c4b5a",
    ...CLIENT_FLAGS,
  },
  switches: { json: "one JSON object a line, with what was before and after" },
  counts: [0, 0],
  async run(input, context) {
    const { flags } = input;
    const filter = { actor: flags.get("actor") ?? "", subject: flags.get("subject") ?? "" };
    const { entries } = await readLog(input, context, filter, numberIn(flags.get("after")));
    if (input.switches.has("json")) {
      for (const entry of entries) context.stdout.write(`${JSON.stringify(entry)}\n`);
      return;
    }
    writeTable(
      context.stdout,
      entries.map((entry) => [
        String(entry.seq),
        new Date(entry.atMs).toISOString(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.project ?? entry.organisation ?? "",
        entry.requestId,
      ]),
    );
  },
};

/** `audit verify`: whether the log is whole, checked here and not by the gateway. */
export const auditVerifyCommand: Command = {
  usage: "audit verify",
  summary: "Read the whole audit log and check that nothing in it was changed, removed or moved.",
  flags: { head: "a head that was kept from earlier, SEQ:HASH, which the log must still contain", ...CLIENT_FLAGS },
  counts: [0, 0],
  async run(input, context) {
    const text = input.flags.get("head");
    const known = text === undefined ? undefined : readHead(text);
    if (text !== undefined && !known)
      throw new CommandError("Cannot read --head: expected SEQ:HASH, as verify prints it", 2);
    const { entries, head } = await readLog(input, context, {}, 0);
    const check = new ChainCheck(known);
    check.take(entries.filter(({ seq }) => seq <= head.seq));
    const problem = check.end(head);
    if (problem) throw new CommandError(`The audit log is NOT whole: entry ${problem.seq}: ${problem.why}`);
    context.stdout.write(`The audit log is whole: ${head.seq} entries, head ${headText(head)}\n`);
  },
};

async function readLog(
  input: CommandInput,
  context: CliContext,
  filter: Parameters<Client<typeof AuditService>["listAuditEntries"]>[0],
  afterSeq: number,
): Promise<{ entries: AuditEntry[]; head: AuditHead }> {
  const { url, transport } = connectToGateway(input, context);
  const client = createClient(AuditService, transport);
  const entries: AuditEntry[] = [];
  let first: AuditHead | undefined;
  try {
    for (;;) {
      const after = entries.at(-1)?.seq ?? afterSeq;
      const page = await client.listAuditEntries({ ...filter, pageSize: PAGE_SIZE, afterSeq: BigInt(after) });
      // The head of the first page: entries that are appended meanwhile are no mistake.
      first ??= { seq: Number(page.head?.seq ?? 0), hash: page.head?.hash ?? "" };
      entries.push(...page.entries.map(entryOf));
      if (page.entries.length < PAGE_SIZE) return { entries, head: first };
    }
  } catch (thrown) {
    throw callFailure("read the audit log", thrown, url);
  }
}

function entryOf(message: AuditEntryMessage): AuditEntry {
  return {
    seq: Number(message.seq),
    atMs: message.at ? timestampMs(message.at) : 0,
    actor: message.actor,
    action: message.action,
    subject: message.subject,
    organisation: message.organisation || undefined,
    project: message.project || undefined,
    before: message.beforeJson,
    after: message.afterJson,
    requestId: message.requestId,
    previousHash: message.previousHash,
    hash: message.hash,
  };
}

function numberIn(text = "0"): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new CommandError(`Cannot read --after: ${text} is no number of an entry`, 2);
}
