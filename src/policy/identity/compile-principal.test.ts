import { describe, expect, test } from "vitest";
import { compilePrincipal, holdersOf, policySource, type KeyRights, type RingPolicy } from "./compile-principal.ts";
import { EVERYTHING } from "../permits/permits.ts";
import { covers } from "./tenant.ts";

const policy = (name: string, over: Partial<RingPolicy> = {}): RingPolicy => ({
  name,
  allowModels: ["*"],
  ...over,
});
const source = policySource(
  [
    policy("company", { allowModels: ["fast", "house/*"], denyModels: ["house/old"] }),
    policy("team", { permit: { ...EVERYTHING, rawParams: false } }),
    policy("narrow", { allowModels: ["house/*", "other/*"] }),
  ],
  [
    {
      name: "acme",
      policy: "company",
      projects: [
        { name: "search", policy: "team" },
        { name: "ads", policy: undefined },
      ],
    },
  ],
);
const key = (over: Partial<KeyRights>): KeyRights => ({
  keyId: "k1",
  name: "ci",
  role: "chat",
  policy: undefined,
  ...over,
});

describe("compilePrincipal", () => {
  test("lets what all of organisation, project and key let: the stricter rule wins", () => {
    const holder = compilePrincipal(key({ project: "acme/search", policy: "narrow" }), source);
    expect(holder).toMatchObject({ organisation: "acme", project: "acme/search" });
    expect(holder.permits.rawParams).toBe(false);
    expect(["fast", "house/new", "house/old", "other/x"].filter(holder.allowsModel)).toEqual(["house/new"]);
    expect(
      holdersOf(key({ project: "acme/search", policy: "narrow" }), source).map(
        ({ holder: of, rules: is }) => `${of.kind} ${of.id} ${is.name}`,
      ),
    ).toEqual(["organisation acme company", "project acme/search team", "key k1 narrow"]);
  });

  test("gives a role's scopes, or those of them that a key is narrowed to", () => {
    expect(compilePrincipal(key({ role: "viewer" }), source).scopes.has("chat")).toBe(false);
    const narrowed = compilePrincipal(key({ scopes: ["models:read", "keys:write"] }), source);
    expect([...narrowed.scopes]).toEqual(["models:read"]);
  });

  test.each<[Partial<KeyRights>, string]>([
    [{ policy: "gone" }, "there is no policy named gone"],
    [{ organisation: "gone" }, "there is no organisation named gone"],
    [{ project: "acme/gone" }, "there is no project named acme/gone"],
    [{ project: "gone/search" }, "there is no organisation named gone"],
    [{ organisation: "acme", project: "other/search" }, "there is no project named other/search"],
  ])("refuses a key of %j: nothing is known of what it may do", (over, why) => {
    expect(() => compilePrincipal(key(over), source)).toThrow(`Cannot use the key ci: ${why}`);
  });
});

test.each<[string, Parameters<typeof covers>[0], string | undefined, string | undefined, boolean]>([
  ["an administrator", { role: "admin", organisation: undefined, project: undefined }, "acme", "acme/search", true],
  ["who belongs nowhere", { role: "viewer", organisation: undefined, project: undefined }, "acme", undefined, true],
  ["an organisation", { role: "viewer", organisation: "acme", project: undefined }, "acme", "acme/search", true],
  ["an organisation", { role: "viewer", organisation: "acme", project: undefined }, "other", undefined, false],
  ["an organisation", { role: "viewer", organisation: "acme", project: undefined }, undefined, undefined, false],
  ["a project", { role: "viewer", organisation: "acme", project: "acme/search" }, "acme", "acme/search", true],
  ["a project", { role: "viewer", organisation: "acme", project: "acme/search" }, "acme", "acme/ads", false],
  ["a project", { role: "viewer", organisation: "acme", project: "acme/search" }, "acme", undefined, false],
])("%s sees what is of %s %s: %s", (_who, onlooker, organisation, project, seen) => {
  expect(covers(onlooker, { organisation, project })).toBe(seen);
});
