import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KeyRole, KeyState } from "../src/contract/admin.ts";
import { adminDoor, chatEnd, endOf, type AdminDoor } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

const YAML = `version: 1
sandbox: true
policies: { company: { deny_models: ["sandbox/fault-*"] }, narrow: { allow_models: ["sandbox/echo"] } }
organisations:
  acme: { policy: company, projects: { search: {}, ads: {} } }
  other: {}
`;

let gateway: TestGateway;
let admin: AdminDoor;

beforeAll(async () => {
  gateway = await startGateway({ yaml: YAML });
  admin = adminDoor(gateway.url, gateway.adminKey);
});
afterAll(() => gateway.close());

const chat = (key: string, model?: string): Promise<string> => chatEnd(gateway.url, key, model);

describe("made keys", () => {
  test("work at once under the policies of key, project and organisation, until they are revoked", async () => {
    const made = await admin.keys.createKey({ name: "ci", project: "acme/search", labels: { team: "core" } });
    expect(made.text).toMatch(/^parley_[0-9a-f]{12}_[0-9a-f]{72}$/);
    expect(made.key).toMatchObject({ name: "ci", role: KeyRole.CHAT, organisation: "acme", project: "acme/search" });
    expect(made.key).toMatchObject({ id: made.text.split("_")[1], labels: { team: "core" }, state: KeyState.ACTIVE });
    expect(await chat(made.text)).toBe("200");
    expect(await chat(made.text, "sandbox/fault-429")).toMatch(/^403 model_not_allowed/);
    const { key } = await admin.keys.updateKey({
      id: made.key!.id,
      updateMask: { paths: ["policy"] },
      policy: "narrow",
    });
    expect(key).toMatchObject({ policy: "narrow", labels: { team: "core" } });
    expect([await chat(made.text), await chat(made.text, "sandbox/story")]).toEqual([
      "200",
      expect.stringMatching(/^403 model_not_allowed/),
    ]);
    const revoked = await admin.keys.revokeKey({ id: made.key!.id });
    expect(revoked.key?.state).toBe(KeyState.REVOKED);
    expect(await chat(made.text)).toMatch(/^401 unauthenticated: Cannot authenticate: the key was revoked/);
    expect(await endOf(admin.keys.revokeKey({ id: made.key!.id }))).toBe("ok");
    expect(await endOf(admin.keys.rotateKey({ id: made.key!.id }))).toMatch(/^CONFLICT id: .*it was revoked, for good/);
  });

  test("are rotated: the new text at once, the old one until the overlap ends", async () => {
    const { key, text } = await admin.keys.createKey({ name: "turns" });
    const turned = await admin.keys.rotateKey({ id: key!.id });
    expect(turned.key).toMatchObject({ id: key!.id, secrets: [{}, { validUntil: expect.anything() }] });
    expect(turned.text).not.toBe(text);
    expect([await chat(text), await chat(turned.text)]).toEqual(["200", "200"]);
    const last = await admin.keys.rotateKey({ id: key!.id, overlap: durationFromMs(0) });
    expect(last.key?.secrets).toHaveLength(1);
    expect(await chat(last.text)).toBe("200");
    for (const old of [text, turned.text]) expect(await chat(old)).toMatch(/^401 unauthenticated/);
    for (let times = 0; times < 3; times++) await admin.keys.rotateKey({ id: key!.id });
    expect(await endOf(admin.keys.rotateKey({ id: key!.id }))).toMatch(/^CONFLICT overlap: .*4 of its texts/);
  });

  test("are listed by page, as far as asked for", async () => {
    const names = ["list-1", "list-2", "list-3"];
    for (const name of names) await admin.keys.createKey({ name, organisation: "other" });
    const found: string[] = [];
    let pageToken = "";
    do {
      const page = await admin.keys.listKeys({ organisation: "other", pageSize: 2, pageToken });
      expect(page.keys.length).toBeLessThanOrEqual(2);
      found.push(...page.keys.map((key) => key.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(found.toSorted()).toEqual(names);
    const [one] = (await admin.keys.listKeys({ organisation: "other" })).keys;
    await admin.keys.revokeKey({ id: one!.id });
    expect((await admin.keys.listKeys({ organisation: "other" })).keys).toHaveLength(2);
    expect((await admin.keys.listKeys({ organisation: "other", includeEnded: true })).keys).toHaveLength(3);
  });

  test.each<[string, Parameters<AdminDoor["keys"]["createKey"]>[0], RegExp]>([
    ["no name", {}, /^INVALID_REQUEST name/],
    ["a project that does not exist", { name: "x", project: "acme/none" }, /^INVALID_REQUEST project: /],
    ["an organisation that does not exist", { name: "x", organisation: "none" }, /^INVALID_REQUEST organisation: /],
    [
      "a project of another organisation",
      { name: "x", organisation: "other", project: "acme/ads" },
      /^INVALID_REQUEST project/,
    ],
    ["a policy that does not exist", { name: "x", policy: "none" }, /^INVALID_REQUEST policy: /],
    [
      "a policy for an administrator",
      { name: "x", role: KeyRole.ADMIN, policy: "narrow" },
      /^INVALID_REQUEST policy: /,
    ],
    [
      "an administrator of an organisation",
      { name: "x", role: KeyRole.ADMIN, organisation: "acme" },
      /^INVALID_REQUEST organisation: /,
    ],
    ["a scope of another role", { name: "x", scopes: ["keys:write"] }, /^INVALID_REQUEST scopes: .*chat, models:read/],
    ["an end in the past", { name: "x", expiresAt: timestampFromMs(1_000_000) }, /^INVALID_REQUEST expires_at: /],
  ])("are not made with %s", async (_what, request, end) => {
    expect(await endOf(admin.keys.createKey(request))).toMatch(end);
  });

  test("are changed only in what a mask names", async () => {
    const { key } = await admin.keys.createKey({ name: "mask", policy: "narrow", labels: { a: "b" } });
    const id = key!.id;
    const changed = await admin.keys.updateKey({
      id,
      updateMask: { paths: ["policy", "name"] },
      name: "new",
      labels: { c: "d" },
    });
    expect(changed.key).toMatchObject({ name: "new", policy: "", labels: { a: "b" } });
    expect(await endOf(admin.keys.updateKey({ id, updateMask: { paths: ["role"] } }))).toMatch(
      /^INVALID_REQUEST update_mask: .*name, scopes, policy, labels, expires_at/,
    );
    expect(await endOf(admin.keys.updateKey({ id }))).toMatch(/^INVALID_REQUEST update_mask/);
    expect(
      await endOf(admin.keys.updateKey({ id: "0".repeat(12), updateMask: { paths: ["name"] }, name: "x" })),
    ).toMatch(/^NOT_FOUND id: /);
  });

  test("leave a chain of entries without secrets, and no text of theirs anywhere", async () => {
    const made = await admin.keys.createKey({ name: "canary" });
    const turned = await admin.keys.rotateKey({ id: made.key!.id });
    expect([await chat(made.text), await chat(turned.text)]).toEqual(["200", "200"]);
    expect(await chat(`${made.text.slice(0, -1)}x`)).toMatch(/^401 unauthenticated/);
    await admin.keys.revokeKey({ id: made.key!.id });
    const { entries, head } = await admin.audit.listAuditEntries({ subject: `key:${made.key!.id}` });
    expect(entries.map(({ action, actor }) => `${action} by ${actor}`)).toEqual(
      ["key.create", "key.rotate", "key.revoke"].map((action) => `${action} by ${gateway.adminKey.split("_")[1]}`),
    );
    expect(entries[0]).toMatchObject({ beforeJson: "", requestId: expect.stringMatching(/^req_/) });
    expect(JSON.parse(entries[2]!.beforeJson)).toMatchObject({ name: "canary" });
    expect(JSON.parse(entries[2]!.afterJson)).toMatchObject({ revoked_at: expect.any(String) });
    expect(await admin.audit.verifyAuditLog({ knownHead: head })).toMatchObject({ intact: true, problem: "" });
    const missing = { seq: head!.seq + 5n, hash: "0".repeat(64) };
    expect(await admin.audit.verifyAuditLog({ knownHead: missing })).toMatchObject({
      intact: false,
      firstBadSeq: head!.seq + 1n,
    });
    expect(gateway.logText()).toContain(`"head":"${head!.seq}:`);
    const secrets = [made.text, turned.text].map((text) => text.split("_")[2]!.slice(0, 40));
    const files = readdirSync(gateway.dataDir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const places = [gateway.logText(), ...files.map((one) => readFileSync(join(one.parentPath, one.name), "latin1"))];
    expect(files.map((one) => one.name)).toContain("parley.sqlite");
    for (const secret of secrets) expect(places.filter((text) => text.includes(secret))).toEqual([]);
  });
});
