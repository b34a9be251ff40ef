import { expect, test } from "vitest";
import { Delivery, OnRefusal, Priority } from "../contract/index.ts";
import { KNOWN } from "./known-names.fixture.ts";
import { loadConfig } from "./load.ts";

const load = (text: string) => loadConfig({ argv: [], env: {}, cwd: "/srv", known: KNOWN, readFile: () => text });

const HOUSE = `version: 1
providers:
  house: { kind: generic, base_url: "http://127.0.0.1:8000/v1" }
`;

test("reads what routes and tasks say, over the defaults", () => {
  const { routes, tasks, routeDefaults } = load(`${HOUSE}routes:
  plain: { targets: [house/a] }
  rich:
    targets: [{ target: house/a, weight: 2.5, quality: 0.8 }, { target: house/b, canary: 5 }]
    strategy: balanced
    priority: interactive
    on_refusal: next_target
    weights: { cost: 3, quality: 0 }
    affinity: 10m
    hedge: { after: 800ms, max_percent: 2 }
    constraints:
      deny_providers: [house]
      regions: [eu]
      zero_retention: true
      max_price: { input: 0.5, output: "2" }
      max_first_content_p95: 800ms
      required_capabilities: [tools]
      require_parameters: true
tasks: { summarise: { targets: [house/c], strategy: ordered } }
defaults: { strategy: weighted, priority: batch }
`).config;
  expect(routeDefaults).toEqual({ strategy: "weighted", priority: Priority.BATCH, delivery: Delivery.COMMIT });
  expect(routes[0]).toMatchObject({ strategy: "weighted", priority: Priority.BATCH, affinityMs: undefined });
  expect(routes[0]?.constraints).toBeUndefined();
  expect(routes[1]).toMatchObject({
    targets: [
      { target: "house/a", weight: 2.5, quality: 0.8, canaryPercent: undefined },
      { target: "house/b", weight: 1, quality: undefined, canaryPercent: 5 },
    ],
    strategy: "balanced",
    priority: Priority.INTERACTIVE,
    onRefusal: OnRefusal.NEXT_TARGET,
    weights: { cost: 3, latency: 1, quality: 0 },
    affinityMs: 600_000,
    hedge: { after: 800, maxPercent: 2 },
    constraints: {
      denyProviders: ["house"],
      regions: ["eu"],
      zeroRetention: true,
      maxInputNanoUsdPerMillionTokens: 500_000_000n,
      maxOutputNanoUsdPerMillionTokens: 2_000_000_000n,
      maxFirstContentP95Ms: 800,
      requiredCapabilities: ["tools"],
      requireParameters: true,
    },
  });
  expect(routes[1]?.constraints?.noTraining).toBeUndefined();
  expect(tasks).toMatchObject([{ name: "summarise", strategy: "ordered", priority: Priority.BATCH }]);
});

test("a hedge is after p95 or a time, and takes two targets", () => {
  const route = (targets: string, hedge: string) =>
    `${HOUSE}routes: { r: { targets: [${targets}], hedge: ${hedge} } }\n`;
  expect(load(route("house/a, house/b", "{ after: p95 }")).config.routes[0]?.hedge).toEqual({
    after: "p95",
    maxPercent: 5,
  });
  expect(() => load(route("house/a", "{ after: p95 }"))).toThrow("takes effect with two targets or more");
  expect(() => load(route("house/a, house/b", "{ after: 800 }"))).toThrow("expected p95, or a duration");
  expect(() => load(route("house/a, house/b", "{ max_percent: 5 }"))).toThrow("after");
});
