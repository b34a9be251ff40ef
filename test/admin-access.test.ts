import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROLE_NAMES, ROLES, type Role } from "../src/policy/identity/roles.ts";
import { ROLE_VALUES } from "../src/services/key-message.ts";
import { ACCESS } from "../src/surfaces/connect/access.ts";
import { adminDoor, endOf, type AdminDoor } from "./support/admin.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Who may call what, and whose: generated from the descriptors of every service and the table of roles, so that a new
// method, a new role or a new tenant is in it without being asked.

const YAML = `version: 1
sandbox: true
organisations: { acme: { projects: { search: {}, ads: {} } }, other: { projects: { search: {} } } }
`;
const METHODS = ACCESS.flatMap(({ scopes }) => [...scopes].map(([method, scope]) => ({ method, scope })));

let gateway: TestGateway;
const keys = new Map<Role, string>();

beforeAll(async () => {
  gateway = await startGateway({ yaml: YAML });
  const admin = adminDoor(gateway.url, gateway.adminKey);
  for (const role of ROLE_NAMES) {
    keys.set(role, (await admin.keys.createKey({ name: role, role: ROLE_VALUES[role] })).text);
  }
});
afterAll(() => gateway.close());

const STREAM_MS = 2_000;

/** The reason of the answer to an empty message, over Connect JSON; undefined: there was none. */
async function reasonOf(path: string, streams: boolean, key: string | undefined): Promise<string | undefined> {
  const [, service = "", method = ""] = path.split("/");
  const type = streams ? "application/connect+json" : "application/json";
  // A stream of events that may never come says nothing: whoever is refused is told at once.
  const signal = streams ? AbortSignal.timeout(STREAM_MS) : null;
  const answer = await fetch(`${gateway.url}/${service}/${method}`, {
    method: "POST",
    signal,
    headers: { "content-type": type, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    body: streams ? Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from("{}")]) : "{}",
  }).catch(() => undefined);
  const text = await answer?.text().catch(() => "");
  return /ERROR_REASON_(\w+)/.exec(text ?? "")?.[1];
}

describe("every method", () => {
  const rows = METHODS.flatMap(({ method, scope }) =>
    ROLE_NAMES.map((role) => ({ path: `/${method.parent.typeName}/${method.name}`, method, scope, role })),
  );

  test("has a scope that its role or only the administrator's has", () => {
    expect(rows).toHaveLength(ROLE_NAMES.length * ACCESS.flatMap(({ service }) => service.methods).length);
    for (const { scope } of METHODS) {
      expect(ROLE_NAMES.filter((role) => ROLES[role].scopes.includes(scope)).length).toBeGreaterThan(0);
    }
  });

  test("lets in the roles that have its scope, and no others", async () => {
    const asked = rows.map(async ({ path, method, role }) => {
      const reason = await reasonOf(path, method.methodKind !== "unary", keys.get(role)!);
      return `${role} ${path}: ${reason === "PERMISSION_DENIED" ? "denied" : "let in"}`;
    });
    expect(await Promise.all(asked)).toEqual(
      rows.map(
        ({ path, scope, role }) => `${role} ${path}: ${ROLES[role].scopes.includes(scope) ? "let in" : "denied"}`,
      ),
    );
  });

  test("refuses who has no key, an unknown key, a damaged key and a revoked key", async () => {
    const admin = adminDoor(gateway.url, gateway.adminKey);
    const revoked = await admin.keys.createKey({ name: "gone", role: ROLE_VALUES.admin });
    await admin.keys.revokeKey({ id: revoked.key!.id });
    const strangers = [undefined, "0".repeat(32), gateway.adminKey.slice(0, -1), revoked.text];
    for (const { method } of METHODS) {
      const path = `/${method.parent.typeName}/${method.name}`;
      const reasons = await Promise.all(strangers.map((key) => reasonOf(path, method.methodKind !== "unary", key)));
      expect(reasons.map((reason) => `${path} ${reason}`)).toEqual(strangers.map(() => `${path} UNAUTHENTICATED`));
    }
  });
});

describe("a tenant", () => {
  const TENANTS = [
    {},
    { organisation: "acme" },
    { organisation: "acme", project: "acme/search" },
    { organisation: "acme", project: "acme/ads" },
    { organisation: "other" },
    { organisation: "other", project: "other/search" },
  ] as const;
  type Tenant = { readonly organisation?: string; readonly project?: string };
  const nameOf = ({ organisation = "everybody", project }: Tenant): string => project ?? organisation;
  const subjects = new Map<string, string>();
  const managers = new Map<string, AdminDoor>();
  const viewers = new Map<string, AdminDoor>();

  beforeAll(async () => {
    const admin = adminDoor(gateway.url, gateway.adminKey);
    for (const tenant of TENANTS) {
      const make = (role: Role) =>
        admin.keys.createKey({ name: `${role} of ${nameOf(tenant)}`, role: ROLE_VALUES[role], ...tenant });
      subjects.set(nameOf(tenant), (await make("chat")).key!.id);
      managers.set(nameOf(tenant), adminDoor(gateway.url, (await make("key-manager")).text));
      viewers.set(nameOf(tenant), adminDoor(gateway.url, (await make("viewer")).text));
    }
  });

  const mayReach = (one: Tenant, other: Tenant): boolean =>
    one.project === undefined
      ? one.organisation === undefined || one.organisation === other.organisation
      : one.project === other.project;
  const pairs = TENANTS.flatMap((one) =>
    TENANTS.map((other) => [nameOf(one), nameOf(other), mayReach(one, other), other] as const),
  );

  test.each(pairs)("%s: the keys of %s are its own: %s", async (one, other, reaches, tenant) => {
    const { keys: door } = managers.get(one)!;
    const id = subjects.get(other)!;
    const found = reaches ? /^ok$/ : /^NOT_FOUND id: /;
    expect(await endOf(door.getKey({ id }))).toMatch(found);
    expect(await endOf(door.updateKey({ id, updateMask: { paths: ["labels"] }, labels: { by: one } }))).toMatch(found);
    expect(await endOf(door.rotateKey({ id, overlap: { seconds: 0n } }))).toMatch(found);
    const listed = (await door.listKeys({ pageSize: 1000 })).keys.map((key) => key.id);
    expect(listed.includes(id)).toBe(reaches);
    const made = await endOf(door.createKey({ name: "made", ...tenant }));
    // Who names no tenant gets its own.
    const isOwn = reaches || other === "everybody";
    expect(made).toMatch(isOwn ? /^ok$/ : /^PERMISSION_DENIED /);
    const { entries } = await viewers.get(one)!.audit.listAuditEntries({ pageSize: 1000 });
    expect(entries.some(({ subject }) => subject === `key:${id}`)).toBe(reaches);
  });

  test("and nobody gives what they have not", async () => {
    const { keys: door } = managers.get("acme")!;
    const denied = /^PERMISSION_DENIED /;
    expect(await endOf(door.createKey({ name: "x", role: ROLE_VALUES.admin }))).toMatch(denied);
    expect(await endOf(door.revokeKey({ id: gateway.adminKey.split("_")[1]! }))).toMatch(/^NOT_FOUND/);
    const own = (await door.listKeys({ organisation: "acme" })).keys.find(
      ({ name }) => name === "key-manager of acme",
    )!;
    expect(await endOf(door.updateKey({ id: own.id, updateMask: { paths: ["expires_at"] } }))).toMatch(denied);
    const scopes = ["keys:read", "keys:write"];
    const narrow = await door.createKey({ name: "narrow", role: ROLE_VALUES["key-manager"], scopes });
    const narrowDoor = adminDoor(gateway.url, narrow.text).keys;
    expect(await endOf(narrowDoor.createKey({ name: "x", role: ROLE_VALUES["key-manager"] }))).toMatch(
      /^PERMISSION_DENIED scopes/,
    );
    expect(await endOf(narrowDoor.createKey({ name: "x", role: ROLE_VALUES["key-manager"], scopes }))).toBe("ok");
    expect(await endOf(narrowDoor.createKey({ name: "x", role: ROLE_VALUES.viewer }))).toMatch(
      /^PERMISSION_DENIED scopes/,
    );
    expect(await endOf(narrowDoor.createKey({ name: "x" }))).toMatch(/^PERMISSION_DENIED scopes/);
    expect(await endOf(narrowDoor.createKey({ name: "x", scopes: ["chat"] }))).toBe("ok");
  });
});
