import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConstraintsSchema } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { VirtualRuntime } from "../../runtime/virtual.ts";
import { compileGlobs } from "../glob.ts";
import { EVERYTHING } from "../permits/permits.ts";
import { UNLIMITED, type Principal } from "../principal.ts";
import { BrowserKeys, isBrowserKey, MAX_LIFETIME_MS, type Parents } from "./browser-keys.ts";
import { narrow, type BrowserRights } from "./narrow.ts";
import { ROLE_NAMES, scopesOf } from "./roles.ts";

const parent: Principal = {
  ...UNLIMITED,
  keyId: "k1",
  name: "ci",
  role: "chat",
  scopes: scopesOf("chat"),
  allowsModel: compileGlobs(["fast", "house/*"]),
};
const ORIGIN = "https://app.example.com";

class OneParent implements Parents {
  current: Principal | undefined = parent;
  texts = [Buffer.alloc(32, 1)];
  holder(id: string): Principal | undefined {
    return id === "k1" ? this.current : undefined;
  }
  digests(id: string): readonly Buffer[] {
    return id === "k1" ? this.texts : [];
  }
}

function setUp() {
  const runtime = new VirtualRuntime();
  const parents = new OneParent();
  const secret = Buffer.alloc(32, 9);
  const [here, there] = [new BrowserKeys(secret, runtime), new BrowserKeys(secret, runtime)];
  const mint = (rights: BrowserRights = {}, lifetimeMs = 60_000): string =>
    here.mint(parents, "k1", rights, runtime.nowMs() + lifetimeMs)!;
  const end = (text: string, origin?: string, keys = there): string => {
    try {
      return keys.authenticate(parents, text, origin).keyId;
    } catch (thrown) {
      if (thrown instanceof ParleyError) return thrown.message.replace("Cannot authenticate: ", "");
      throw thrown;
    }
  };
  return { runtime, parents, here, there, mint, end };
}

describe("a browser key", () => {
  test("is known on any replica at once, as its parent with fewer rights", () => {
    const { mint, there, parents } = setUp();
    const text = mint({ models: ["house/*", "other"], maxOutputTokens: 100 });
    expect(isBrowserKey(text)).toBe(true);
    const holder = there.authenticate(parents, text, undefined);
    expect(holder).toMatchObject({ keyId: "k1", permits: { maxOutputTokens: 100 }, budgets: parent.budgets });
    expect(["fast", "house/a", "other"].filter(holder.allowsModel)).toEqual(["house/a"]);
    expect([...holder.scopes]).toEqual(["chat", "models:read"]);
    expect(there.authenticate(parents, text, undefined)).toBe(holder);
  });

  test("ends with its time, also where it was known before", async () => {
    const { mint, end, runtime } = setUp();
    const text = mint({}, MAX_LIFETIME_MS);
    await runtime.advance(MAX_LIFETIME_MS - 1);
    expect(end(text)).toBe("k1");
    await runtime.advance(1);
    expect(end(text)).toMatch(/has expired/);
  });

  test("ends with its parent, or the text of it that it was minted from", () => {
    const { mint, end, parents } = setUp();
    const [known, fresh] = [mint(), mint({ tools: false })];
    expect(end(known)).toBe("k1");
    const old = parents.texts;
    parents.texts = [Buffer.alloc(32, 2), ...old];
    expect([end(known), end(fresh)]).toEqual(["k1", "k1"]);
    parents.texts = [Buffer.alloc(32, 2)];
    expect([end(known), end(fresh)]).toEqual(Array(2).fill(expect.stringMatching(/was rotated or removed|is unknown/)));
    parents.texts = old;
    parents.current = undefined;
    expect(end(known)).toMatch(/is unknown|removed/);
  });

  test("changes with its parent's policy", () => {
    const { mint, there, parents } = setUp();
    const text = mint({ models: ["house/*"] });
    expect(there.authenticate(parents, text, undefined).allowsModel("house/a")).toBe(true);
    parents.current = { ...parent, allowsModel: () => false };
    expect(there.authenticate(parents, text, undefined).allowsModel("house/a")).toBe(false);
  });

  test("is bound to an origin where it says so", () => {
    const { mint, end } = setUp();
    const text = mint({ origin: ORIGIN });
    expect(end(text, ORIGIN)).toBe("k1");
    for (const other of [undefined, "https://app.example.com.evil", "null"])
      expect(end(text, other)).toMatch(/another origin/);
  });

  test("is refused with any one character changed, and by a gateway with another secret", () => {
    const { mint, end, runtime } = setUp();
    const text = mint({ models: ["fast"] });
    expect(end(text, undefined, new BrowserKeys(Buffer.alloc(32, 8), runtime))).toMatch(/unknown/);
    for (let at = "parley_browser_".length; at < text.length; at++) {
      // The last digit of a base64 text has bits that mean nothing: another text of the same proof.
      if (at === text.length - 1 || text[at] === ".") continue;
      const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      expect(isBrowserKey(changed) ? end(changed) : "unknown").toMatch(/unknown/);
    }
  });

  test("that makes no sense is refused, whoever signed it", () => {
    const { end } = setUp();
    for (const body of ["null", "[]", "{}", '{"parent":1}', "not json", '{"parent":"k1","until":1e20,"rights":null}']) {
      const text = `parley_browser_${Buffer.from(body.padEnd(20)).toString("base64url")}.${"A".repeat(43)}`;
      expect([body, end(text)]).toEqual([body, expect.stringMatching(/unknown/)]);
    }
  });
});

describe("narrow", () => {
  const NAMES = ["fast", "slow", "house/a", "house/b", "other/a"];
  const globs = fc.uniqueArray(fc.constantFrom("*", ...NAMES, "house/*", "*/a"), { maxLength: 3 });
  const regions = fc.uniqueArray(fc.constantFrom("eu", "us", "ch"), { maxLength: 3 });
  const limit = fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined });
  const parents = fc
    .record({
      allow: globs,
      regions,
      role: fc.constantFrom(...ROLE_NAMES),
      streaming: fc.boolean(),
      tools: fc.boolean(),
      reasoning: fc.boolean(),
      maxOutputTokens: limit,
    })
    .map(({ allow, role, regions: has, ...permits }): Principal => ({
      ...parent,
      role,
      scopes: scopesOf(role),
      allowsModel: compileGlobs(allow),
      constraints: create(ConstraintsSchema, { regions: has, zeroRetention: true }),
      permits: { ...EVERYTHING, ...permits },
    }));
  const rights = fc.record(
    {
      models: globs,
      regions,
      streaming: fc.boolean(),
      tools: fc.boolean(),
      reasoning: fc.boolean(),
      maxOutputTokens: fc.integer({ min: 1, max: 100 }),
    },
    { requiredKeys: [] },
  );

  test("gives no right that the parent has not, and takes those it was told to", () => {
    fc.assert(
      fc.property(parents, rights, (from, less) => {
        const child = narrow(from, less);
        const may = NAMES.filter(child.allowsModel);
        expect(may.filter((name) => !from.allowsModel(name))).toEqual([]);
        const told = compileGlobs(less.models?.length ? less.models : ["*"]);
        expect(may.filter((name) => !told(name))).toEqual([]);
        expect([...child.scopes].filter((scope) => !from.scopes.has(scope))).toEqual([]);
        expect(child.scopes.has("keys:mint")).toBe(false);
        const nowhere = may.length === 0;
        const inRegions = (has: readonly string[], region: string): boolean => has.length === 0 || has.includes(region);
        for (const region of nowhere ? [] : ["eu", "us", "ch", "xx"]) {
          const both = inRegions(from.constraints!.regions, region) && inRegions(less.regions ?? [], region);
          expect(inRegions(child.constraints!.regions, region)).toBe(both);
        }
        expect(child.constraints?.zeroRetention).toBe(true);
        for (const name of ["streaming", "tools", "reasoning"] as const) {
          expect(child.permits[name]).toBe(from.permits[name] && (less[name] ?? true));
        }
        const limits = [from.permits.maxOutputTokens, less.maxOutputTokens].filter((one) => one !== undefined);
        expect(child.permits.maxOutputTokens).toBe(limits.length === 0 ? undefined : Math.min(...limits));
        expect([child.keyId, child.budgets, child.rates]).toEqual([from.keyId, from.budgets, from.rates]);
      }),
      { numRuns: 500 },
    );
  });
});
