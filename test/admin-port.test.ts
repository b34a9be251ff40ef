import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminDoor, chatEnd, endOf } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

let gateway: TestGateway;
let adminUrl: string;

beforeAll(async () => {
  gateway = await startGateway({ argv: ["--admin-port", "0"] });
  adminUrl = `http://127.0.0.1:${gateway.app.adminPort}`;
});
afterAll(() => gateway.close());

describe("administration on its own port", () => {
  test("is served there, with health and without chat", async () => {
    expect(gateway.app.adminPort).not.toBe(gateway.port);
    const { text } = await adminDoor(adminUrl, gateway.adminKey).keys.createKey({ name: "made there" });
    expect(await chatEnd(gateway.url, text)).toBe("200");
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    expect(await chatEnd(adminUrl, text)).toMatch(/^404 not_found: .*it is on the main port/);
    const generate = await fetch(`${adminUrl}/parley.v1.ChatService/Generate`, {
      method: "POST",
      headers: { authorization: `Bearer ${text}`, "content-type": "application/json" },
      body: "{}",
    });
    expect([generate.status, await generate.text()]).toEqual([404, expect.stringContaining("call the main one")]);
  });

  test("is not on the main port, except what keys do for themselves", async () => {
    const { keys, audit } = adminDoor(gateway.url, gateway.adminKey);
    for (const call of [keys.listKeys({}), keys.createKey({ name: "x" }), audit.verifyAuditLog({})]) {
      expect(await endOf(call)).toMatch(/^NOT_FOUND : Cannot call .* here: administration has an address of its own/);
    }
    expect(await endOf(keys.mintBrowserKey({}))).toBe("ok");
  });
});
