import { expect, test } from "vitest";
import { HeldUpstream } from "./support/held-upstream.ts";
import { startGatewayProcess, TestFolder, type GatewayProcess } from "./support/process.ts";

// What was held when the process was killed is spent when it starts again.

const KEY = "a-key-with-little-money";
const LIMIT_TOKENS = 1_000;

function ask(gateway: GatewayProcess): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "held/any",
      stream: true,
      max_completion_tokens: LIMIT_TOKENS,
      messages: [{ role: "user", content: "Hi" }],
    }),
  });
}

test("an attempt that a kill has left open is charged at its hold", { timeout: 30_000 }, async () => {
  using folder = new TestFolder();
  await using upstream = await HeldUpstream.start();
  // Enough for one attempt and a half at 1 USD per million tokens.
  const yaml = `version: 1
providers:
  ${upstream.yaml.replace("price: 0", "price: { input: 0, output: 1 }")}
keys: [{ name: poor, key: ${KEY}, policy: poor }]
policies: { poor: { budgets: [{ limit_usd: "0.0015", window: calendar_month }] } }
`;
  {
    await using gateway = await startGatewayProcess(folder, { yaml });
    const left = ask(gateway)
      .then((answer) => answer.text())
      .catch(() => {});
    await upstream.until(({ waiting }) => waiting === 1);
    gateway.process.signal("SIGKILL");
    await left;
  }
  await using gateway = await startGatewayProcess(folder, { yaml });
  const listed = await fetch(`${gateway.url}/parley.admin.v1.BudgetService/ListBudgets`, {
    method: "POST",
    headers: { authorization: `Bearer ${gateway.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ namePrefix: "key:fixed:poor" }),
  });
  const { budgets } = (await listed.json()) as { budgets: unknown[] };
  expect(budgets).toMatchObject([{ limitNanoUsd: "1500000", spentNanoUsd: "1000000", leftNanoUsd: "500000" }]);
  const answer = await ask(gateway);
  expect(answer.status).toBe(402);
  expect(JSON.stringify(await answer.json())).toContain("too little of it is left");
});
