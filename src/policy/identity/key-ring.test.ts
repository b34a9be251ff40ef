import { describe, expect, test } from "vitest";
import { ParleyError, reasonName } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { makeKey } from "./key-format.ts";
import { KeyRing, type RingKey } from "./key-ring.ts";
import { EVERYTHING } from "../permits/permits.ts";

const runtime = new VirtualRuntime();
const PERMIT = { ...EVERYTHING, rawParams: true };
const made = makeKey(runtime);

function ringKey(name: string, text: string, over: Partial<RingKey> = {}): RingKey {
  return { name, key: { reveal: () => text }, role: "chat", policy: undefined, ...over };
}

function refusalOf(ring: KeyRing, credential: string | undefined): string {
  try {
    ring.authenticate(credential);
  } catch (error) {
    if (error instanceof ParleyError) return `${reasonName(error.reason)}: ${error.message}`;
    throw error;
  }
  throw new Error("expected a refusal");
}

describe("KeyRing", () => {
  const ring = new KeyRing(
    [
      ringKey("admin", made, { role: "admin" }),
      ringKey("ci", "a fixed key of any form", { policy: "narrow" }),
      ringKey("exactly16", "0123456789abcdef"),
    ],
    [{ name: "narrow", allowModels: ["fast", "house/*"], permit: { ...PERMIT, rawParams: false } }],
  );

  test("knows the holder of a made key by the id within it", () => {
    const holder = ring.authenticate(made);
    expect(holder).toMatchObject({ keyId: made.split("_")[1], name: "admin", role: "admin" });
    expect(holder.allowsModel("anything")).toBe(true);
    expect(JSON.stringify(holder)).not.toContain(made);
  });

  test("knows the holder of a fixed key by its name, with what its policy allows", () => {
    const holder = ring.authenticate("a fixed key of any form");
    expect(holder).toMatchObject({ keyId: "fixed:ci", name: "ci", role: "chat", permits: { rawParams: false } });
    expect(["fast", "house/a/b", "other/a"].map(holder.allowsModel)).toEqual([true, true, false]);
    expect(ring.authenticate("0123456789abcdef").name).toBe("exactly16");
    expect(ring.size).toBe(3);
  });

  test.each<[string | undefined, RegExp]>([
    [undefined, /no key was sent; send the header `authorization: Bearer KEY`$/],
    ["", /no key was sent/],
    ["short", /is no key of this gateway/],
    ["x".repeat(513), /is no key of this gateway/],
    [made.slice(0, -1), /the key is damaged/],
    [`${made.slice(0, 30)}${made[30] === "a" ? "b" : "a"}${made.slice(31)}`, /the key is damaged/],
    ["parley_not-a-key-at-all", /the key is damaged/],
    [makeKey(runtime), /the key is unknown/],
    ["a fixed key of any forM", /the key is unknown/],
    ["a fixed key of any form ", /the key is unknown/],
    ["0123456789abcdeg", /the key is unknown/],
  ])("refuses %j", (credential, message) => {
    const said = refusalOf(ring, credential);
    expect(said).toMatch(message);
    expect(said).toMatch(/^UNAUTHENTICATED: Cannot authenticate: /);
    expect(said).not.toContain(credential || "no credential at all");
  });

  test("takes a fixed key that looks like a damaged made one", () => {
    const odd = new KeyRing([ringKey("odd", "parley_admin_for_tests")], []);
    expect(odd.authenticate("parley_admin_for_tests").name).toBe("odd");
    expect(refusalOf(odd, "parley_admin_for_test")).toMatch(/the key is unknown/);
  });

  test("is not built without keys, with the same key twice, or with a policy that does not exist", () => {
    expect(() => new KeyRing([], [])).toThrow(/there is no key/);
    expect(() => new KeyRing([ringKey("a", made), ringKey("b", made)], [])).toThrow(
      "Cannot add the key b: its text is also that of a",
    );
    expect(() => new KeyRing([ringKey("a", made, { policy: "p" })], [])).toThrow(/there is no policy named p$/);
  });
});
