import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createServer, type AddressInfo, type Server } from "node:net";
import {
  fromJson,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type JsonValue,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { knownNames } from "../src/app.ts";
import { loadConfig } from "../src/config/load.ts";
import { ConfigError } from "../src/config/problem.ts";
import { ErrorReason, GatewayErrorSchema } from "../src/contract/index.ts";
import { ALL_SCOPES, type Scope } from "../src/policy/identity/roles.ts";
import { CONTRACT_SERVICES, scopeOf } from "../src/surfaces/connect/access.ts";
import { createRpcTable } from "../src/surfaces/connect/rpc-table.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { adminDoor } from "./support/admin.ts";
import { Readiness } from "../src/surfaces/readiness.ts";
import { REST_ROUTES } from "../src/surfaces/openai/surface.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Every method and every path of the gateway, with every kind of caller who is not to be let in: each is refused, and no
// provider gets a byte. What is there is read from the tables that serve it, so that nothing new is forgotten.

/** What a door is asked for, and what it is to its caller. */
interface DoorRow {
  /** The message in JSON, or the body of a request. */
  readonly ask?: Readonly<Record<string, JsonValue>>;
  /** What replaces `{id}` in a path. */
  readonly id?: string;
  /** Whether it calls a provider: rates and budgets are about that, and nothing else. */
  readonly calls: boolean;
  readonly scope: Scope;
  /** Whether it streams until the caller leaves: whoever is let in leaves after a moment. */
  readonly endless?: boolean;
}

const CHAT = {
  model: "canary/m",
  messages: [{ role: "ROLE_USER", parts: [{ text: { text: "Hi" } }] }],
  routing: { maxAttempts: 1 },
  sampling: { maxOutputTokens: 10 },
};
const REST_CHAT = {
  model: "canary/m",
  messages: [{ role: "user", content: "Hi" }],
  max_completion_tokens: 10,
  parley: { max_attempts: 1 },
};

/** A door without a row fails the tests: whoever adds one says here what it is. */
const ROWS: Readonly<Record<string, DoorRow>> = {
  "parley.v1.ChatService/Generate": { ask: { request: CHAT }, calls: true, scope: "chat" },
  "parley.v1.ChatService/GenerateStream": { ask: { request: CHAT }, calls: true, scope: "chat" },
  "parley.v1.ModelService/ListModels": { ask: {}, calls: false, scope: "models:read" },
  "parley.v1.ModelService/GetModel": { ask: { name: "canary/m" }, calls: false, scope: "models:read" },
  "parley.v1.RouteService/Explain": { ask: { request: CHAT }, calls: false, scope: "explain" },
  "parley.v1.RouteService/GetTrace": { ask: { requestId: "req_1" }, calls: false, scope: "explain" },
  "parley.admin.v1.KeyService/CreateKey": { calls: false, scope: "keys:write" },
  "parley.admin.v1.KeyService/GetKey": { calls: false, scope: "keys:read" },
  "parley.admin.v1.KeyService/ListKeys": { calls: false, scope: "keys:read" },
  "parley.admin.v1.KeyService/UpdateKey": { calls: false, scope: "keys:write" },
  "parley.admin.v1.KeyService/RotateKey": { calls: false, scope: "keys:write" },
  "parley.admin.v1.KeyService/RevokeKey": { calls: false, scope: "keys:write" },
  "parley.admin.v1.KeyService/MintBrowserKey": { calls: false, scope: "keys:mint" },
  "parley.admin.v1.PolicyService/PreviewPolicy": { calls: false, scope: "policies:read" },
  "parley.admin.v1.BudgetService/ListBudgets": { calls: false, scope: "budgets:read" },
  "parley.admin.v1.BudgetService/WatchAlerts": { calls: false, scope: "budgets:read", endless: true },
  "parley.admin.v1.UsageService/QueryUsage": { calls: false, scope: "usage:read" },
  "parley.admin.v1.UsageService/ListAttempts": { calls: false, scope: "usage:read" },
  "parley.admin.v1.UsageService/ExportUsage": { calls: false, scope: "usage:read" },
  "parley.admin.v1.UsageService/CompensateAttempt": { calls: false, scope: "usage:write" },
  "parley.admin.v1.AuditService/ListAuditEntries": { calls: false, scope: "audit:read" },
  "parley.admin.v1.AuditService/VerifyAuditLog": { calls: false, scope: "audit:read" },
  "POST /v1/chat/completions": { ask: REST_CHAT, calls: true, scope: "chat" },
  "GET /v1/models": { calls: false, scope: "models:read" },
  "HEAD /v1/models": { calls: false, scope: "models:read" },
  "GET /v1/models/{id}": { id: "canary/m", calls: false, scope: "models:read" },
  "HEAD /v1/models/{id}": { id: "canary/m", calls: false, scope: "models:read" },
};

/** Methods that need no key. */
const OPEN = ["/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"];

/** A caller who is not to be let in. */
interface Column {
  readonly name: string;
  readonly key: (row: DoorRow) => string | undefined;
  /** The reason at doors that it is refused at; undefined: it may pass this one. */
  readonly refused: (row: DoorRow) => string | undefined;
  /** Lines of the configuration that this column needs. */
  readonly yaml?: { readonly keys?: readonly string[]; readonly policies?: readonly string[] };
}

const keyOf = (name: string): string => `a-key-at-the-door-${name.replace(":", "-")}`;
const always = (reason: string) => (): string => reason;
const ifItCalls = (reason: string) => (row: DoorRow) => (row.calls ? reason : undefined);
const withKey = (name: string) => (): string => keyOf(name);
const SCOPES = [...ALL_SCOPES];

/** Texts of keys made at run time. */
const made = { revoked: "", rotated: "", expired: "" };

const COLUMNS: readonly Column[] = [
  { name: "no key", key: () => undefined, refused: always("UNAUTHENTICATED") },
  { name: "an unknown key", key: withKey("nobody"), refused: always("UNAUTHENTICATED") },
  { name: "a key that the configuration has no more", key: withKey("removed"), refused: always("UNAUTHENTICATED") },
  { name: "a revoked key", key: () => made.revoked, refused: always("UNAUTHENTICATED") },
  { name: "a key's earlier text", key: () => made.rotated, refused: always("UNAUTHENTICATED") },
  { name: "an expired key", key: () => made.expired, refused: always("UNAUTHENTICATED") },
  {
    name: "an exhausted rate",
    key: withKey("limited"),
    refused: ifItCalls("RATE_LIMITED"),
    yaml: {
      keys: [`{ name: limited, key: ${keyOf("limited")}, policy: limited }`],
      policies: ["limited: { rates: [{ requests: 1, per: day }] }"],
    },
  },
  {
    name: "a model that is not allowed",
    key: withKey("narrow"),
    refused: ifItCalls("MODEL_NOT_ALLOWED"),
    yaml: {
      keys: [`{ name: narrow, key: ${keyOf("narrow")}, policy: narrow }`],
      policies: ["narrow: { allow_models: [nothing] }"],
    },
  },
];

/** Columns whose feature may not be there yet. Each runs as soon as it is, and then `MISSING` has to lose its name. */
const LATER: readonly Column[] = [
  {
    name: "an exhausted budget",
    key: withKey("poor"),
    refused: ifItCalls("BUDGET_EXCEEDED"),
    yaml: {
      keys: [`{ name: poor, key: ${keyOf("poor")}, policy: poor }`],
      policies: ['poor: { budgets: [{ limit_usd: "0.000000001", window: calendar_day, timezone: UTC }] }'],
    },
  },
  {
    name: "a wrong scope",
    key: ({ scope }) => keyOf(scope),
    refused: always("PERMISSION_DENIED"),
    yaml: {
      keys: SCOPES.map((scope) => {
        const others = SCOPES.filter((one) => one !== scope).map((one) => `"${one}"`);
        return `{ name: "not-${scope.replace(":", "-")}", key: "${keyOf(scope)}", role: admin, scopes: [${others.join(", ")}] }`;
      }),
    },
  },
];
const MISSING: readonly string[] = [];

let upstream: Server;
let connections = 0;
let gateway: TestGateway;
let transports: [name: string, transport: Transport][];

function yamlOf(columns: readonly Column[], removed: boolean): string {
  const keys = columns.flatMap(({ yaml }) => yaml?.keys ?? []);
  const policies = columns.flatMap(({ yaml }) => yaml?.policies ?? []);
  const { port } = upstream.address() as AddressInfo;
  return `version: 1
sandbox: true
providers:
  canary:
    kind: openai-compatible
    base_url: "http://127.0.0.1:${port}/v1"
    api_key: x
    models: { m: { max_output_tokens: 100, context_tokens: 1000, price: { input: 1, output: 1 } } }
keys:
${["{ name: good, key: a-key-at-the-door-good, role: admin }", ...(removed ? [] : [`{ name: removed, key: ${keyOf("removed")} }`]), ...keys].map((line) => `  - ${line}\n`).join("")}
policies:
  none: {}
${policies.map((line) => `  ${line}\n`).join("")}`;
}

/** Whether the configuration knows what the column needs. Anything but "not yet" is a mistake of this test. */
function isConfigurable(column: Column): boolean {
  try {
    loadYaml(yamlOf([column], false));
    return true;
  } catch (error) {
    if (error instanceof ConfigError && error.problems.every(({ code }) => code === "not_available")) return false;
    throw error;
  }
}

const loadYaml = (yaml: string) =>
  loadConfig({ argv: [], env: {}, cwd: "/", known: knownNames(), readFile: () => yaml });

let columns: readonly Column[] = [];

beforeAll(async () => {
  upstream = createServer((socket) => {
    connections += 1;
    socket.on("error", () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  columns = [...COLUMNS, ...LATER.filter(isConfigurable)];
  gateway = await startGateway({ yaml: yamlOf(columns, false) });
  const options = { baseUrl: gateway.url } as const;
  transports = [
    ["connect", createConnectTransport({ ...options, httpVersion: "1.1", useBinaryFormat: false })],
    ["connect get", createConnectTransport({ ...options, httpVersion: "1.1", useHttpGet: true })],
    ["grpc", createGrpcTransport(options)],
    ["grpc-web", createGrpcWebTransport({ ...options, httpVersion: "1.1" })],
  ];
});

/** Keys that were good once: each works until this ends it. */
async function makeKeys(): Promise<void> {
  const { keys } = adminDoor(gateway.url, keyOf("good"));
  const [revoked, rotated] = [await keys.createKey({ name: "revoked" }), await keys.createKey({ name: "rotated" })];
  const expiresAt = timestampFromMs(realRuntime().nowMs() + 400);
  const expired = await keys.createKey({ name: "expired", expiresAt });
  Object.assign(made, { revoked: revoked.text, rotated: rotated.text, expired: expired.text });
  const good = await Promise.all(Object.values(made).map((key) => askRest("GET /v1/models", key, false)));
  expect(good).toEqual([undefined, undefined, undefined]);
  await keys.revokeKey({ id: revoked.key!.id });
  await keys.rotateKey({ id: rotated.key!.id, overlap: durationFromMs(0) });
  while ((await askRest("GET /v1/models", made.expired, false)) === undefined);
}

afterAll(async () => {
  await gateway.close();
  upstream.close();
});

const METHODS: readonly DescMethod[] = CONTRACT_SERVICES.flatMap((service) => service.methods);
const nameOf = (method: DescMethod): string => `${method.parent.typeName}/${method.name}`;
const PATHS = REST_ROUTES.flatMap(({ methods, path }) => methods.map((method) => `${method} ${path}`));
const REASONS = new Map<number, string>(Object.entries(ErrorReason).map(([name, value]) => [value, name]));

/** The reason of the refusal; undefined: there was none. */
async function askRpc(transport: Transport, method: DescMethod, key: string | undefined): Promise<string | undefined> {
  const message = fromJson(method.input, ROWS[nameOf(method)]!.ask ?? {});
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  try {
    if (method.methodKind === "unary")
      await transport.unary(method as DescMethodUnary, undefined, undefined, headers, message);
    else if (method.methodKind === "server_streaming") {
      const input = (async function* () {
        yield message;
      })();
      const left = ROWS[nameOf(method)]!.endless ? AbortSignal.timeout(500) : undefined;
      const answer = await transport.stream(method as DescMethodServerStreaming, left, undefined, headers, input);
      for await (const _ of answer.message);
    }
    return undefined;
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    if (ROWS[nameOf(method)]!.endless && error.code === Code.Canceled) return undefined;
    const detail = error.findDetails(GatewayErrorSchema)[0];
    return detail ? REASONS.get(detail.reason) : `UNTYPED ${error.message}`;
  }
}

async function askRest(route: string, key: string | undefined, stream: boolean): Promise<string | undefined> {
  const [method = "", pattern = ""] = route.split(" ");
  const { ask, id = "" } = ROWS[route]!;
  const url = gateway.url + pattern.replace("{id}", id);
  const body = ask ? JSON.stringify({ ...ask, stream }) : null;
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (key !== undefined) headers["authorization"] = `Bearer ${key}`;
  const answer = await fetch(url, { method, headers, body });
  const text = await answer.text();
  if (answer.status < 400) return undefined;
  // An answer to HEAD has no body: its status must be that of the same refusal by GET.
  if (method === "HEAD") return HEAD_REASONS[answer.status] ?? `UNTYPED ${answer.status}`;
  return JSON.parse(text).error.parley.reason.toUpperCase();
}

const HEAD_REASONS: Readonly<Record<number, string>> = { 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED" };

/** What every door says to a key, by the door's name. */
async function askAll(
  key: (row: DoorRow) => string | undefined,
): Promise<[door: string, row: DoorRow, reason: string][]> {
  const asked: [string, DoorRow, Promise<string | undefined>][] = [];
  for (const method of METHODS) {
    const row = ROWS[nameOf(method)]!;
    for (const [name, transport] of transports)
      asked.push([`${name} ${nameOf(method)}`, row, askRpc(transport, method, key(row))]);
  }
  for (const route of PATHS) {
    const row = ROWS[route]!;
    for (const stream of row.calls ? [false, true] : [false])
      asked.push([`${route}${stream ? " stream" : ""}`, row, askRest(route, key(row), stream)]);
  }
  return Promise.all(asked.map(async ([door, row, reason]) => [door, row, (await reason) ?? "answered"] as const)).then(
    (all) => all.map(([door, row, reason]) => [door, row, reason]),
  );
}

describe("what is there", () => {
  test("has a row, and every row is there", () => {
    expect(METHODS.map((method) => ROWS[nameOf(method)]?.scope)).toEqual(METHODS.map(scopeOf));
    expect(Object.keys(ROWS).toSorted()).toEqual([...METHODS.map(nameOf), ...PATHS].toSorted());
  });

  test("is all that is served, and needs a key, but for health", () => {
    const table = createRpcTable({ gateway: { admin: {} } as never, readiness: new Readiness() });
    const needing = [...table.values()].filter(({ scope }) => scope !== undefined).map(({ path }) => path.slice(1));
    expect(needing.toSorted()).toEqual(METHODS.map(nameOf).toSorted());
    const open = [...table.values()].filter(({ scope }) => scope === undefined).map(({ path }) => path);
    expect(open.toSorted()).toEqual(OPEN);
  });
});

describe("callers who are not to be let in", () => {
  test("a good key passes every door, and those that call a provider do", async () => {
    connections = 0;
    const said = await askAll(withKey("good"));
    // Nobody answers there. Of administration it is asked what makes no sense, so that it changes nothing.
    for (const [door, row, reason] of said) {
      const expected = row.calls ? /^(?:PROVIDER_|STREAM_)/ : /^(?:answered|NOT_FOUND|INVALID_REQUEST)$/;
      expect([door, reason]).toEqual([door, expect.stringMatching(expected)]);
    }
    expect(connections).toBeGreaterThanOrEqual(said.filter(([, row]) => row.calls).length);
  });

  test("are refused at every door, and no provider gets a byte", async () => {
    await makeKeys();
    // The key that will be removed works; the limited one has had its one request.
    expect(await askRpc(transports[0]![1], METHODS[0]!, keyOf("removed"))).toMatch(/^PROVIDER_/);
    expect(await askRpc(transports[0]![1], METHODS[0]!, keyOf("limited"))).toMatch(/^PROVIDER_/);
    gateway.app.reload(loadYaml(yamlOf(columns, true)));
    const ran: string[] = [];
    for (const column of columns) {
      connections = 0;
      const said = await askAll(column.key);
      if (isMissing(column, said)) continue;
      ran.push(column.name);
      for (const [door, row, reason] of said) {
        // Whoever may pass is told something of their own, and nothing broke.
        const isSound = !/^(?:PROVIDER_|UNTYPED|GATEWAY_)/.test(reason);
        expect([column.name, door, isSound ? reason : "broke"]).toEqual([
          column.name,
          door,
          column.refused(row) ?? reason,
        ]);
      }
      expect([column.name, connections]).toEqual([column.name, 0]);
    }
    // A column that runs now must leave this list: then it can never be missing again.
    const all = [...COLUMNS, ...LATER].map(({ name }) => name);
    expect(all.filter((name) => !ran.includes(name))).toEqual(MISSING);
  });
});

/** Whether a column of `LATER` is configured in vain: nobody looks at it yet, at no door at all. */
function isMissing(column: Column, said: readonly (readonly [string, DoorRow, string])[]): boolean {
  if (!LATER.includes(column) || !MISSING.includes(column.name)) return false;
  return !said.some(([, row, reason]) => reason === column.refused(row));
}
