import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ConstraintsSchema } from "../../contract/index.ts";
import { policyText, type Holder } from "../holder.ts";
import { compileRules } from "./compile-rules.ts";
import { ALL_SCOPES } from "../identity/roles.ts";
import { decidedBy, deniedBy } from "./decided-by.ts";
import { EVERYTHING } from "./permits.ts";
import type { HeldPolicy, PermitSettings, PolicyRules } from "./policy-rules.ts";

const COMPANY: Holder = { kind: "organisation", id: "acme" };
const TEAM: Holder = { kind: "project", id: "acme/search" };
const KEY: Holder = { kind: "key", id: "k1" };
const FREE: PermitSettings = { ...EVERYTHING, rawParams: true };

function held(holder: Holder, over: Partial<PolicyRules>, permit?: Partial<PermitSettings>): HeldPolicy {
  const rules = { name: `of-${holder.kind}`, allowModels: ["*"], ...over };
  return { holder, rules: permit ? { ...rules, permit: { ...FREE, ...permit } } : rules };
}

function demanding(holder: Holder, constraints: MessageInitShape<typeof ConstraintsSchema>): HeldPolicy {
  return held(holder, { constraints: create(ConstraintsSchema, constraints) });
}

function principal(...policies: HeldPolicy[]) {
  return compileRules({ keyId: "k1", name: "ci", role: "chat", scopes: ALL_SCOPES, organisation: "acme" }, policies);
}

function rulesOf(...policies: HeldPolicy[]): Record<string, string> {
  return Object.fromEntries(
    decidedBy(policies).map(({ rule, value, by }) => [rule, `${value}: ${by.map(policyText).join(" and ")}`]),
  );
}

describe("the policies of an organisation, a project and a key", () => {
  test("none limits nothing, and costs nothing to look at", () => {
    const free = principal(held(COMPANY, {}), held(KEY, {}));
    expect(free.permits).toBe(EVERYTHING);
    expect(free.constraints).toBeUndefined();
    expect(free).toMatchObject({ keyId: "k1", organisation: "acme", project: undefined, rates: [] });
  });

  test("a model is allowed that all allow, and the preview says who does not", () => {
    const policies = [
      held(COMPANY, { denyModels: ["*/preview-*"] }),
      held(TEAM, { allowModels: ["fast", "a/*"] }),
      held(KEY, { allowModels: ["a/*", "b/*"] }),
    ];
    const { allowsModel } = principal(...policies);
    expect(["a/m", "b/m", "fast", "a/preview-1"].map(allowsModel)).toEqual([true, false, false, false]);
    expect(deniedBy(policies, "b/m")).toEqual([{ holder: TEAM, policy: "of-project" }]);
    expect(deniedBy(policies, "a/m")).toEqual([]);
  });

  test("of permissions the stricter wins, and whose it is is known", () => {
    const policies = [
      held(COMPANY, {}, { reasoning: false, maxOutputTokens: 4000, rawParams: ["a", "b"], requiredTags: ["team"] }),
      held(TEAM, {}, { reasoning: false, maxOutputTokens: 9000, rawParams: ["b", "c"], costTier: "standard" }),
      held(KEY, {}, { tools: false, maxOutputTokens: 1000, requiredTags: ["team", "job"], costTier: "priority" }),
    ];
    expect(principal(...policies).permits).toMatchObject({
      reasoning: false,
      tools: false,
      vision: true,
      rawParams: new Set(["b"]),
      costTier: "standard",
      maxOutputTokens: 1000,
      requiredTags: ["team", "job"],
      contradictions: [],
    });
    expect(
      decidedBy(policies).map(({ rule, value, by }) => `${rule} = ${value}: ${by.map(policyText).join()}`),
    ).toEqual([
      "permit.reasoning = false: the policy of-organisation of the organisation acme",
      "permit.max_output_tokens = 1000: the key's policy of-key",
      "permit.raw_params = b: the policy of-project of the project acme/search",
      "permit.required_tags = team: the policy of-organisation of the organisation acme",
      "permit.cost_tier = standard: the policy of-project of the project acme/search",
      "permit.tools = false: the key's policy of-key",
      "permit.required_tags = job: the key's policy of-key",
    ]);
  });

  test("of constraints allowed lists meet, denied ones join, limits are the least", () => {
    const policies = [
      demanding(COMPANY, { regions: ["eu", "ch"], denyProviders: ["x"], maxInputNanoUsdPerMillionTokens: 5n }),
      demanding(TEAM, { regions: ["us", "eu"], denyProviders: ["y"], zeroRetention: true, maxFirstContentP95Ms: 900 }),
      demanding(KEY, {
        allowProviders: ["house"],
        maxInputNanoUsdPerMillionTokens: 3n,
        maxFirstContentP95Ms: 2000,
        requiredCapabilities: ["tools"],
      }),
    ];
    expect(principal(...policies).constraints).toMatchObject({
      regions: ["eu"],
      denyProviders: ["x", "y"],
      allowProviders: ["house"],
      zeroRetention: true,
      maxInputNanoUsdPerMillionTokens: 3n,
      maxFirstContentP95Ms: 900,
      requiredCapabilities: ["tools"],
    });
    expect(rulesOf(...policies)).toMatchObject({
      "constraints.regions":
        "eu: the policy of-organisation of the organisation acme and the policy of-project of the project acme/search",
      "constraints.max_input_nano_usd_per_million_tokens": "3: the key's policy of-key",
      "constraints.zero_retention": "true: the policy of-project of the project acme/search",
    });
  });

  test("lists that have nothing in common allow nothing, and say so", () => {
    const policies = [
      demanding(COMPANY, { regions: ["eu"] }),
      demanding(TEAM, { regions: ["us"] }),
      // What the first two have lost cannot come back.
      demanding(KEY, { regions: ["eu"] }),
    ];
    const { constraints, permits } = principal(...policies);
    expect(constraints?.regions).toEqual(["nothing in common"]);
    expect(permits.contradictions).toEqual([
      "constraints.regions: the policy of-organisation of the organisation acme and the policy of-project of the project acme/search and the key's policy of-key have nothing in common",
    ]);
  });

  test("limits over time are each holder's own", () => {
    const rates = [{ kind: "requests" as const, limit: 5, windowMs: 60_000, models: undefined }];
    const models = [{ kind: "tokens" as const, limit: 9, windowMs: 3_600_000, models: ["b/*", "a/*"] }];
    const { rates: compiled } = principal(held(COMPANY, { rates }), held(KEY, { rates: [...rates, ...models] }));
    expect(compiled.map(({ account, text }) => `${account}: ${text}`)).toEqual([
      "organisation:acme|requests/60s: the limit of 5 requests per minute of the policy of-organisation of the organisation acme",
      "key:k1|requests/60s: the limit of 5 requests per minute of the key's policy of-key",
      "key:k1|tokens/3600s|models=a/*,b/*: the limit of 9 tokens per hour to b/*, a/* of the key's policy of-key",
    ]);
    expect(compiled[2]?.countsModel?.("a/m")).toBe(true);
  });
});
