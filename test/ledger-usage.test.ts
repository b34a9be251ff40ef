import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type Client } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../src/cli/run.ts";
import { knownNames } from "../src/app.ts";
import { ExportFormat, UsageDimension, UsageService, type UsageLine } from "../src/contract/admin.ts";
import { ChatService, CostSchema, Role, textPart } from "../src/contract/index.ts";
import { exportHead, exportLine } from "../src/ledger/export.ts";
import { Projection } from "../src/ledger/projection.ts";
import { createSqlLedgerStore } from "../src/store/sql/ledger-store.ts";
import { createSqlUsageStore } from "../src/store/sql/usage-store.ts";
import type { LedgerAttemptRow } from "../src/store/sql/tables-ledger.ts";
import type { UsageDimension as Dimension, UsageFilter } from "../src/store/usage-store.ts";
import { adminDoor } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";
import { attemptEnded, forwarded } from "./support/ledger.ts";
import { TEST_DATABASES, type TestTables } from "./support/ledger-tables.ts";

const TEAM = "usage-team-key-00001";
const OTHER = "usage-other-key-00001";
const YAML = `version: 1
sandbox: true
routes:
  failover: { targets: [sandbox/fault-503, sandbox/echo] }
keys:
  - { name: team, key: "${TEAM}" }
  - { name: other, key: "${OTHER}" }
`;

describe("UsageService", { timeout: 30_000 }, () => {
  let gateway: TestGateway;
  let admin: Client<typeof UsageService>;
  let team: Client<typeof UsageService>;
  const asked: { readonly key: string; readonly id: string; readonly nanoUsd: bigint }[] = [];

  const transport = (key: string, kind: typeof createConnectTransport | typeof createGrpcTransport) =>
    kind({
      baseUrl: gateway.url,
      httpVersion: "2",
      interceptors: [(next) => (request) => (request.header.set("authorization", `Bearer ${key}`), next(request))],
    });

  async function ask(key: string, model: string, tags: Record<string, string>): Promise<void> {
    const chat = createClient(ChatService, transport(key, createConnectTransport));
    const messages = [{ role: Role.USER, parts: [textPart("=what, was used?")] }];
    const { response } = await chat.generate({ request: { model, messages, tags } });
    asked.push({ key, id: response!.id, nanoUsd: response!.cost!.nanoUsd! });
  }

  const costOf = (key?: string): bigint =>
    asked.filter((one) => key === undefined || one.key === key).reduce((sum, one) => sum + one.nanoUsd, 0n);

  async function codeOf(call: Promise<unknown>): Promise<Code> {
    return ConnectError.from(await call.catch((thrown: unknown) => thrown)).code;
  }

  async function exported(client: Client<typeof UsageService>, format: ExportFormat): Promise<string> {
    let text = "";
    for await (const { chunk } of client.exportUsage({ format })) text += Buffer.from(chunk).toString("utf8");
    return text;
  }

  beforeAll(async () => {
    gateway = await startGateway({ yaml: YAML });
    admin = createClient(UsageService, transport(gateway.adminKey, createConnectTransport));
    team = createClient(UsageService, transport(TEAM, createGrpcTransport));
    await ask(TEAM, "sandbox/echo", { team: "core", "=cmd": '=HYPERLINK("x"),y' });
    await ask(TEAM, "sandbox/story", { team: "core" });
    await ask(OTHER, "sandbox/echo", { team: "search" });
    await ask(gateway.adminKey, "failover", {});
  });

  afterAll(() => gateway?.close());

  test("sums up what was asked a moment ago, to the nano-USD, in groups and pages", async () => {
    const { total, rows } = await admin.queryUsage({ groupBy: [UsageDimension.KEY] });
    expect(total?.nanoUsd).toBe(costOf());
    expect(costOf()).toBeGreaterThan(0n);
    expect(rows.map(({ values, totals }) => [values, totals?.nanoUsd])).toEqual(
      expect.arrayContaining([
        [["fixed:team"], costOf(TEAM)],
        [["fixed:other"], costOf(OTHER)],
      ]),
    );
    const byTag = await admin.queryUsage({ groupBy: [UsageDimension.TAG], tagName: "team" });
    expect(byTag.rows.map(({ values, totals }) => [values[0], totals?.attempts])).toEqual([
      ["", total!.attempts - 3n],
      ["core", 2n],
      ["search", 1n],
    ]);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await admin.queryUsage({
        groupBy: [UsageDimension.MODEL, UsageDimension.KEY, UsageDimension.DAY],
        pageSize: 1,
        pageToken,
      });
      expect(page.total?.nanoUsd).toBe(costOf());
      seen.push(...page.rows.map(({ values }) => values.slice(0, 2).join(" ")));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(
      expect.arrayContaining(["sandbox/echo fixed:team", "sandbox/echo fixed:other", "sandbox/story fixed:team"]),
    );
    expect(new Set(seen).size).toBe(seen.length);
    expect([...seen].sort((a, b) => (a < b ? -1 : 1))).toEqual(seen);
  });

  test("filters by time, key, provider, model and tag", async () => {
    const attemptsWith = async (filter: object): Promise<bigint> =>
      (await admin.queryUsage({ filter })).total?.attempts ?? -1n;
    const all = await attemptsWith({});
    expect(await attemptsWith({ keyIds: ["fixed:team"] })).toBe(2n);
    expect(await attemptsWith({ providers: ["sandbox"] })).toBe(all);
    expect(await attemptsWith({ models: ["sandbox/echo"], keyIds: ["fixed:team", "fixed:other"] })).toBe(2n);
    expect(await attemptsWith({ tags: { team: "core" } })).toBe(2n);
    expect(await attemptsWith({ tags: { team: "core", "=cmd": '=HYPERLINK("x"),y' } })).toBe(1n);
    expect(await attemptsWith({ organisations: ["acme"] })).toBe(0n);
    expect(await attemptsWith({ until: timestampFromMs(Date.UTC(2020, 0)) })).toBe(0n);
    expect(await attemptsWith({ since: timestampFromMs(Date.UTC(2020, 0)) })).toBe(all);
  });

  test("tells what became of a request, record by record", async () => {
    const { attempts } = await admin.listAttempts({ requestId: asked.at(-1)!.id });
    expect(attempts.length).toBeGreaterThan(1);
    expect(attempts.map(({ state }) => state)).toEqual([...attempts.slice(1).map(() => "failed"), "completed"]);
    expect(attempts.map((one: UsageLine) => one.events.map(({ kind }) => kind))).toEqual(
      attempts.map(() => ["forwarded", "attempt_ended"]),
    );
    expect(attempts.at(-1)).toMatchObject({ requestedModel: "failover", provider: "sandbox", stream: false });
    expect(attempts.at(-1)?.usage?.outputTokens).toBeGreaterThan(0);
  });

  test("exports one line per attempt, as CSV that no spreadsheet runs, and as NDJSON", async () => {
    const csv = await exported(admin, ExportFormat.CSV);
    const lines = csv.trimEnd().split("\r\n");
    const { total } = await admin.queryUsage({});
    expect(lines).toHaveLength(1 + Number(total?.attempts));
    expect(lines[0]).toMatch(/^request_id,attempt,forwarded_at,/);
    const ndjson = (await exported(admin, ExportFormat.NDJSON)).trimEnd().split("\n");
    const rows = ndjson.map((line) => JSON.parse(line) as { nano_usd: string; tags: object; request_id: string });
    expect(rows.reduce((sum, row) => sum + BigInt(row.nano_usd), 0n)).toBe(costOf());
    expect(rows[0]).toMatchObject({ request_id: asked[0]!.id, tags: { team: "core", "=cmd": '=HYPERLINK("x"),y' } });
  });

  test("shows a key what is its own, and nothing of others", async () => {
    const { total, rows } = await team.queryUsage({ groupBy: [UsageDimension.KEY] });
    expect(total?.nanoUsd).toBe(costOf(TEAM));
    expect(rows.map(({ values }) => values)).toEqual([["fixed:team"]]);
    expect(await codeOf(team.queryUsage({ filter: { keyIds: ["fixed:other"] } }))).toBe(Code.PermissionDenied);
    expect(await codeOf(exported(team, ExportFormat.CSV).then(() => undefined))).not.toBe(Code.PermissionDenied);
    expect(await exported(team, ExportFormat.NDJSON)).not.toContain("fixed:other");
    const others = asked.find(({ key }) => key === OTHER)!.id;
    expect(await codeOf(team.listAttempts({ requestId: others }))).toBe(Code.NotFound);
    expect(await codeOf(team.listAttempts({ requestId: "req_none" }))).toBe(Code.NotFound);
    const [own] = (await team.listAttempts({ requestId: asked[0]!.id })).attempts;
    expect(own).toMatchObject({ keyId: "fixed:team", credentialId: "" });
    const correction = { requestId: asked[0]!.id, attempt: 1, compensationId: "x", nanoUsd: 0n, reason: "free" };
    expect(await codeOf(team.compensateAttempt(correction))).toBe(Code.PermissionDenied);
  });

  test("corrects an attempt once, beside its outcome, and refuses what is not there", async () => {
    const { id, nanoUsd } = asked[2]!;
    const correction = {
      requestId: id,
      attempt: 1,
      compensationId: "bill-1",
      nanoUsd: nanoUsd + 500n,
      reason: "the bill",
    };
    const twice = await Promise.all([admin.compensateAttempt(correction), admin.compensateAttempt(correction)]);
    expect(twice.map(({ applied }) => applied)).toEqual([true, false]);
    const again = await admin.compensateAttempt({ ...correction, compensationId: "bill-2", nanoUsd: nanoUsd - 1n });
    expect(again.attempt).toMatchObject({
      state: "completed",
      costNanoUsd: nanoUsd,
      nanoUsd: nanoUsd - 1n,
      compensations: [
        { compensationId: "bill-1", deltaNanoUsd: 500n },
        { compensationId: "bill-2", deltaNanoUsd: -501n },
      ],
    });
    expect((await admin.queryUsage({})).total).toMatchObject({ nanoUsd: costOf() - 1n, compensatedNanoUsd: -1n });
    const { entries } = await adminDoor(gateway.url, gateway.adminKey).audit.listAuditEntries({});
    expect(entries.filter(({ action }) => action === "usage.compensate").map(({ subject }) => subject)).toEqual(
      Array.from({ length: 3 }, () => `attempt:${id}/1`),
    );
    expect(await codeOf(admin.compensateAttempt({ ...correction, attempt: 9 }))).toBe(Code.NotFound);
    expect(await codeOf(admin.compensateAttempt({ ...correction, nanoUsd: -1n }))).toBe(Code.InvalidArgument);
  });

  test("refuses a page token that is not its own, a tag without a name and a group twice", async () => {
    const KEY = UsageDimension.KEY;
    for (const pageToken of [
      "x",
      Buffer.from("[1]").toString("base64url"),
      Buffer.from('[1,"a","b"]').toString("base64url"),
    ]) {
      expect(await codeOf(admin.queryUsage({ groupBy: [KEY], pageToken }))).toBe(Code.InvalidArgument);
    }
    expect(await codeOf(admin.queryUsage({ groupBy: [UsageDimension.TAG] }))).toBe(Code.InvalidArgument);
    expect(await codeOf(admin.queryUsage({ groupBy: [KEY, KEY] }))).toBe(Code.InvalidArgument);
  });

  test("is a command", async () => {
    const run = async (...argv: string[]): Promise<string> => {
      let out = "";
      const write = (text: string): void => void (out += text);
      await runCli(["usage", ...argv, "--url", gateway.url, "--data", gateway.dataDir], {
        env: {},
        cwd: "/",
        stdout: { write },
        stderr: { write },
        readStdin: () => Promise.resolve(""),
        known: () => Promise.resolve(knownNames()),
      });
      return out;
    };
    const table = await run("--by", "key,tag:team", "--since", "24h");
    expect(table).toMatch(/^key +tag:team +attempts +failed +input tokens +output tokens +cost\n/);
    expect(table).toMatch(/^fixed:team +core +2 +0 +\d+ +\d+ +\$0\.\d+$/m);
    expect(table).toMatch(/^total +/m);
    expect(await run("--export", "csv", "--key", "fixed:other")).toMatch(/^request_id,.*\r\n.*,fixed:other,.*\r\n$/);
    expect(await run(asked[0]!.id)).toMatch(
      /^attempt 1 at sandbox\/echo: completed, \$0\.\d+\n {2}1\. forwarded, replica /,
    );
    expect(await run("--by", "colour")).toContain('Cannot group by "colour": expected organisation, ');
    expect(await run("--since", "soon")).toContain("Cannot read the flag --since: expected a moment");
    expect(await run("--export", "xml")).toContain("expected csv or ndjson");
  });
});

describe("a cell of the CSV", () => {
  test.each([
    ["=1+1", "'=1+1"],
    ["+cmd", "'+cmd"],
    ["-cmd", "'-cmd"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\tx", "'\tx"],
    ['say "a", b', '"say ""a"", b"'],
    ["two\nlines", '"two\nlines"'],
    ["=a,b", `"'=a,b"`],
    ["-12", "-12"],
    ["plain", "plain"],
  ])("%j is written as %j", (text, cell) => {
    const projection = new Projection("r", { position: undefined, attempts: [], compensations: [] });
    projection.add({ epoch: 1, seq: 1, text: "", record: forwarded("r", 1, { requestedModel: text }) });
    const { attempts } = projection.changes({ replica: "r", epoch: 1, seq: 1, segment: 1, offset_bytes: 0 });
    const before = exportLine("csv", { ...attempts[0]!, requested_model: "MARK" });
    expect(exportLine("csv", attempts[0]!)).toBe(before.replace("MARK", () => cell));
    expect(exportHead("csv").split(",")).toHaveLength(before.split(",").length);
  });
});

const ANYTHING: UsageFilter = {
  sinceMs: 0,
  untilMs: Number.MAX_SAFE_INTEGER,
  organisations: [],
  projects: [],
  keyIds: [],
  providers: [],
  models: [],
  tags: {},
};

describe.each(TEST_DATABASES)("sums in %s", { timeout: 60_000 }, (_kind, makeTables) => {
  const line = fc.record({
    key: fc.constantFrom("a", "b", "ключ"),
    model: fc.constantFrom("m1", "m2"),
    hour: fc.nat(50),
    tag: fc.constantFrom("", "x", "y"),
    nanoUsd: fc.option(fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }), { nil: undefined }),
  });
  const groupings = fc.subarray<Dimension>(["key", "model", "day", "hour", { tag: "team" }, "provider"]);

  test("equal the sum of their lines, however they are grouped, paged and filtered", async () => {
    await using tables: TestTables = await makeTables();
    const ledger = createSqlLedgerStore(tables.database);
    const usage = createSqlUsageStore(tables.database);
    let seq = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        groupings,
        fc.integer({ min: 1, max: 5 }),
        async (lines, by, limit) => {
          await ledger.update("r", [], (known) => {
            const projection = new Projection("r", known);
            for (const { key, model, hour, tag, nanoUsd } of lines) {
              const id = `r${++seq}`;
              const tags: Record<string, string> = tag === "" ? {} : { team: tag };
              const at = { forwardedAtMs: 1_790_000_000_000 + hour * 3_600_000, keyId: key, model, tags };
              const cost = nanoUsd === undefined ? undefined : create(CostSchema, { nanoUsd });
              projection.add({ epoch: 1, seq: seq * 2 - 1, text: "", record: forwarded(id, 1, at) });
              projection.add({ epoch: 1, seq: seq * 2, text: "", record: attemptEnded(id, 1, { cost }) });
            }
            return projection.changes({ replica: "r", epoch: 1, seq: seq * 2, segment: 1, offset_bytes: 0 });
          });
          for (const filter of [
            ANYTHING,
            { ...ANYTHING, keyIds: ["a", "ключ"], models: ["openai/m1"] },
            { ...ANYTHING, tags: { team: "x" } },
          ]) {
            const rows: LedgerAttemptRow[] = [];
            for (let last = rows.at(-1); ; last = rows.at(-1)) {
              const page = await usage.lines(filter, last, limit * 10);
              rows.push(...page);
              if (page.length < limit * 10) break;
            }
            const [total] = await usage.groups(filter, [], { after: undefined, limit: 1 });
            const sum = rows.reduce((money, row) => money + BigInt(row.charged_nano_usd), 0n);
            expect(total!.sums).toMatchObject({ attempts: BigInt(rows.length), nanoUsd: sum });
            const groups = [];
            for (let after: readonly string[] | undefined; by.length > 0; after = groups.at(-1)?.values) {
              const page = await usage.groups(filter, by, { after, limit });
              groups.push(...page);
              if (page.length < limit) break;
            }
            const grouped = by.length === 0 ? sum : groups.reduce((money, group) => money + group.sums.nanoUsd, 0n);
            expect(grouped).toBe(sum);
            expect(new Set(groups.map(({ values }) => JSON.stringify(values))).size).toBe(groups.length);
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});
