import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renewedKey, type ShortLivedKey } from "../sdk/src/renewed-key.ts";
import { adminDoor, chatEnd, endOf, type AdminDoor } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

const FIXED = "a fixed key of the tests";
const YAML = `version: 1
sandbox: true
policies: { narrow: { deny_models: ["sandbox/fault-*"] } }
keys: [{ name: site, key: "${FIXED}", policy: narrow }]
`;

let gateway: TestGateway;
let admin: AdminDoor;

beforeAll(async () => {
  gateway = await startGateway({ yaml: YAML });
  admin = adminDoor(gateway.url, gateway.adminKey);
});
afterAll(() => gateway.close());

const chat = (key: string, model?: string, headers?: Record<string, string>): Promise<string> =>
  chatEnd(gateway.url, key, model, headers);

describe("a browser key", () => {
  test("is minted by a key for itself, chats within both rights, and can neither mint nor look", async () => {
    const { keys } = adminDoor(gateway.url, FIXED);
    const before = Date.now();
    const { text, expiresAt } = await keys.mintBrowserKey({ limits: { models: ["sandbox/e*", "sandbox/fault-429"] } });
    expect(timestampMs(expiresAt!) - before).toBeLessThanOrEqual(900_000 + 60_000);
    expect(await chat(text)).toBe("200");
    for (const model of ["sandbox/story", "sandbox/fault-429"])
      expect(await chat(text, model)).toMatch(/^403 model_not_allowed/);
    const door = adminDoor(gateway.url, text);
    expect(await endOf(door.keys.mintBrowserKey({}))).toMatch(/^PERMISSION_DENIED .*scope keys:mint/);
    expect(await endOf(door.keys.listKeys({}))).toMatch(/^PERMISSION_DENIED/);
    const listed = (await (
      await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${text}` } })
    ).json()) as { data: { id: string }[] };
    expect(listed.data.map(({ id }) => id)).toEqual(["sandbox/echo"]);
  });

  test("is got by plain HTTP, in the shape that the SDK renews", async () => {
    const mint = (): Promise<Response> =>
      fetch(`${gateway.url}/parley.admin.v1.KeyService/MintBrowserKey`, {
        method: "POST",
        headers: { authorization: `Bearer ${gateway.localKey}`, "content-type": "application/json" },
        body: '{"limits":{"models":["sandbox/echo"]}}',
      });
    const key = renewedKey(async () => (await mint()).json() as Promise<ShortLivedKey>);
    expect([await chat(await key()), await key()]).toEqual(["200", await key()]);
  });

  test("ends with its parent", async () => {
    const parent = await admin.keys.createKey({ name: "parent" });
    const { text } = await adminDoor(gateway.url, parent.text).keys.mintBrowserKey({});
    expect(await chat(text)).toBe("200");
    await admin.keys.revokeKey({ id: parent.key!.id });
    expect(await chat(text)).toMatch(/^401 unauthenticated: .*the key was revoked/);
  });

  test("may be bound to an origin, and lives an hour at most", async () => {
    const { keys } = adminDoor(gateway.url, gateway.localKey);
    const origin = "https://app.example.com";
    const { text } = await keys.mintBrowserKey({ limits: { origin }, lifetime: durationFromMs(1000) });
    expect(await chat(text, undefined, { origin })).toBe("200");
    expect(await chat(text)).toMatch(/^401 unauthenticated: .*bound to another origin/);
    expect(await endOf(keys.mintBrowserKey({ lifetime: durationFromMs(3_601_000) }))).toMatch(
      /^INVALID_REQUEST lifetime/,
    );
    expect(await endOf(keys.mintBrowserKey({ limits: { origin: "https://x/path" } }))).toMatch(
      /^INVALID_REQUEST limits.origin/,
    );
  });
});
