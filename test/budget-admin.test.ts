import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BudgetAlertKind, BudgetService } from "../src/contract/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// What administrators see of budgets: their state, alerts as a stream and at a webhook, metrics.

const KEY = "a-key-that-is-watched";
const SECRET = "a-secret-of-a-webhook";

interface Posted {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let hook: Server;
let gateway: TestGateway;
const posted: Posted[] = [];
let onPosted = (): void => {};

beforeAll(async () => {
  hook = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      posted.push({ headers: request.headers, body });
      // The first one is not taken, so that it has to come again.
      response.writeHead(posted.length === 1 ? 503 : 204).end();
      onPosted();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
  const yaml = `version: 1
sandbox: true
keys: [{ name: watched, key: ${KEY}, policy: watched }]
policies:
  watched: { budgets: [{ limit_usd: "0.0001", window: calendar_month, alerts: [0.05] }] }
observability:
  alerts: { webhook: "http://127.0.0.1:${(hook.address() as AddressInfo).port}/alerts?a=1", secret: ${SECRET} }
`;
  gateway = await startGateway({ yaml });
});

afterAll(async () => {
  await gateway.close();
  hook.close();
});

function client(key: string, protocol: "connect" | "grpc" = "connect") {
  const options = {
    baseUrl: gateway.url,
    interceptors: [
      (next: any) => (request: any) => {
        request.header.set("authorization", `Bearer ${key}`);
        return next(request);
      },
    ],
  };
  const transport =
    protocol === "grpc" ? createGrpcTransport(options) : createConnectTransport({ ...options, httpVersion: "2" });
  return createClient(BudgetService, transport);
}

async function spend(maxTokens: number): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "sandbox/story@tokens=20",
      messages: [{ role: "user", content: "Hi" }],
      max_completion_tokens: maxTokens,
    }),
  });
  await answer.text();
  return answer.status;
}

test("alerts reach those who watch and the webhook, and the state adds up", async () => {
  const stop = new AbortController();
  const alerts = client(gateway.adminKey, "grpc").watchAlerts({}, { signal: stop.signal })[Symbol.asyncIterator]();
  const first = alerts.next();
  // Watching has begun when the gateway has answered another call of the same connection's caller.
  await client(gateway.adminKey).listBudgets({});
  expect(await spend(50)).toBe(200);
  expect(await spend(100_000)).toBe(402);
  const told = [(await first).value?.alert, (await alerts.next()).value?.alert];
  expect(told.map((one) => one?.kind)).toEqual([BudgetAlertKind.THRESHOLD, BudgetAlertKind.EXHAUSTED]);
  stop.abort();
  await alerts.next().catch(() => {});

  const { budgets } = await client(gateway.adminKey).listBudgets({ namePrefix: "key:fixed:watched" });
  expect(budgets).toHaveLength(1);
  const [budget] = budgets;
  expect(budget).toMatchObject({
    name: "key:fixed:watched|calendar_month@UTC",
    holder: { kind: "key", id: "fixed:watched" },
    limitNanoUsd: 100_000n,
    heldNanoUsd: 0n,
    refusals: 1n,
    overruns: 0n,
  });
  expect(budget!.spentNanoUsd).toBeGreaterThan(5_000n);
  expect(budget!.leftNanoUsd).toBe(100_000n - budget!.spentNanoUsd);

  while (posted.length < 3) await new Promise<void>((resolve) => (onPosted = resolve));
  const kinds = posted.slice(1).map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
  expect(kinds.sort()).toEqual(["BUDGET_ALERT_KIND_EXHAUSTED", "BUDGET_ALERT_KIND_THRESHOLD"]);
  for (const { headers, body } of posted) {
    const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-parley-signature"])) ?? [];
    expect(createHmac("sha256", SECRET).update(`${seconds}.${body}`).digest("hex")).toBe(signature);
  }

  const metrics = await (
    await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${gateway.adminKey}` } })
  ).text();
  expect(metrics).toContain(`parley_budget_limit_usd{account="${budget!.name}"} 0.0001`);
  expect(metrics).toContain("parley_budget_refusals_total 1");
  expect(metrics).toContain("parley_budget_holds 0");
});

test.each([
  ["another key", () => KEY, "permission_denied"],
  ["no key of this gateway", () => "a-key-of-nobody-at-all", "unauthenticated"],
])("%s learns nothing", async (_who, key, code) => {
  await expect(client(key()).listBudgets({})).rejects.toThrow(`[${code}]`);
  await expect(client(key()).watchAlerts({})[Symbol.asyncIterator]().next()).rejects.toThrow(`[${code}]`);
});
