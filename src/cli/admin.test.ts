import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chatEnd } from "../../test/support/admin.ts";
import { startGateway, type TestGateway } from "../../test/support/gateway.ts";
import { KNOWN } from "../config/known-names.fixture.ts";
import { runCli } from "./run.ts";

const YAML = `version: 1
sandbox: true
policies: { company: { deny_models: ["sandbox/fault-*"], permit: { tools: false } } }
organisations: { acme: { policy: company, projects: { search: {} } } }
`;
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ yaml: YAML });
});
afterAll(() => gateway.close());

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const told = { out: "", err: "" };
  const code = await runCli(argv, {
    env: { PARLEY_BASE_URL: gateway.url, PARLEY_ADMIN_KEY: gateway.adminKey },
    cwd: gateway.dataDir,
    stdout: { write: (text) => void (told.out += text) },
    stderr: { write: (text) => void (told.err += text) },
    readStdin: () => Promise.resolve(""),
    known: () => Promise.resolve(KNOWN),
  });
  return { code, ...told };
}

describe("the commands of administration", () => {
  test("make a key, show it, turn it, change it and end it", async () => {
    const made = await run(
      "key",
      "create",
      "ci",
      "--project",
      "acme/search",
      "--expires-in",
      "90d",
      "--labels",
      "team=core",
    );
    const text = made.out.trim();
    expect(made.err).toMatch(/^Key [0-9a-f]{12} \(ci\); it is shown only here:\n$/);
    expect(await chatEnd(gateway.url, text)).toBe("200");
    const id = text.split("_")[1] ?? "";
    const listed = await run("key", "list", "--organisation", "acme");
    expect(listed.out).toMatch(new RegExp(`^${id}  ci  chat  acme/search  active  until 20.*  used 20.*\n$`));
    const turned = await run("key", "rotate", id, "--overlap", "0s");
    expect(await chatEnd(gateway.url, turned.out.trim())).toBe("200");
    expect(await chatEnd(gateway.url, text)).toMatch(/^401/);
    expect((await run("key", "update", id, "--policy", "company", "--expires-in", "none")).out).toMatch(
      /ci  chat  acme\/search  company  active/,
    );
    expect((await run("key", "revoke", id)).out).toContain("revoked");
    expect((await run("key", "list")).out).toBe("");
    expect((await run("key", "list", "--all")).out).toContain("revoked");
    expect(await chatEnd(gateway.url, turned.out.trim())).toMatch(/^401/);
    expect((await run("key", "mint", "--models", "sandbox/echo")).out).toMatch(/^parley_browser_/);
  });

  test("say what is wrong with a call, as a command and as the gateway", async () => {
    expect(await run("key", "create", "x", "--role", "chef")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--role is chef"),
    });
    expect(await run("key", "create", "x", "--expires-in", "soon")).toMatchObject({
      code: 2,
      err: expect.stringContaining("--expires-in"),
    });
    expect(await run("key", "revoke", "none")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/NOT_FOUND, request req_/),
    });
    expect(await run("key", "update", "x")).toMatchObject({ code: 2 });
  });

  test("list and verify the audit log here, against a head that was kept", async () => {
    await run("key", "create", "logged");
    const whole = await run("audit", "verify");
    expect(whole).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^The audit log is whole: \d+ entries, head \d+:/),
    });
    const head = whole.out.trim().split(" ").at(-1) ?? "";
    await run("key", "create", "later");
    expect((await run("audit", "verify", "--head", head)).code).toBe(0);
    const lie = head.replace(/^\d+/, "1");
    expect(await run("audit", "verify", "--head", lie)).toMatchObject({
      code: 1,
      err: expect.stringContaining("entry 1: "),
    });
    const lines = (await run("audit", "list")).out.trim().split("\n");
    expect(lines.at(-1)).toMatch(/^\d+ +20\S+  \w+  key\.create  key:/);
    const json = (await run("audit", "list", "--json", "--after", String(lines.length - 1))).out;
    expect(JSON.parse(JSON.parse(json).after)).toMatchObject({ name: "later" });
  });

  test("preview what a key may do, and whose policy says so", async () => {
    const made = await run("key", "create", "previewed", "--project", "acme/search");
    const id = made.out.split("_")[1] ?? "";
    const { out } = await run("policy", "preview", id, "--model", "sandbox/fault-503");
    expect(out).toContain(`${id} (previewed) of acme/search: chat, `);
    expect(out).toMatch(/deny_models +sandbox\/fault-\* +policy company of organisation acme/);
    expect(out).toMatch(/permit\.tools +false +policy company of organisation acme/);
    expect(out).toMatch(/sandbox\/fault-503 is refused: MODEL_NOT_ALLOWED: .*; policy company of organisation acme/);
    expect((await run("policy", "preview", id, "--model", "sandbox/echo")).out).toContain(
      "sandbox/echo is let in: 1 of 1 targets",
    );
    expect((await run("policy", "preview")).out).toContain("nothing is limited by a policy");
    expect(await run("policy", "preview", "fixed:none")).toMatchObject({
      code: 1,
      err: expect.stringContaining("NOT_FOUND"),
    });
  });
});
