// What policy costs a request before it is routed: node bench/policy.ts [REQUESTS]
// Everything that permissions and rates can ask is asked of an ordinary request, which passes. Microseconds a call,
// medians of the rounds; the target is under 10 for all of it.
import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, Role, textPart } from "../src/contract/index.ts";
import { inputSize } from "../src/ledger/estimate.ts";
import { permit } from "../src/pipeline/permit.ts";
import { compileRules } from "../src/policy/permits/compile-rules.ts";
import { EVERYTHING } from "../src/policy/permits/permits.ts";
import type { HeldPolicy, PolicyRules } from "../src/policy/permits/policy-rules.ts";
import { LocalPermitSource } from "../src/policy/rates/local-source.ts";
import { RateLimiter } from "../src/policy/rates/rate-limiter.ts";
import { rateHeaders } from "../src/policy/rates/rate-headers.ts";
import type { Principal } from "../src/policy/principal.ts";
import { realRuntime } from "../src/runtime/real.ts";
import { median } from "./statistics.ts";

/** How long permissions and rates of one request may take, median, in microseconds. */
const LIMIT_US = 10;
const ROUNDS = 15;

const runtime = realRuntime();
const calls = Number(process.argv[2] ?? 20_000);

const MINUTE = { windowMs: 60_000, models: undefined } as const;
const RULES: Omit<PolicyRules, "name"> = {
  allowModels: ["openai/*", "house/*", "fast"],
  denyModels: ["*/preview-*"],
  permit: {
    ...EVERYTHING,
    reasoning: false,
    tools: false,
    vision: false,
    imageGeneration: false,
    audio: false,
    rawParams: ["top_a"],
    costTier: "standard",
    maxInputTokens: 100_000,
    maxOutputTokens: 4_096,
    maxContextTokens: 128_000,
    requiredTags: ["team"],
  },
  rates: [
    { kind: "requests", limit: 1e9, ...MINUTE },
    { kind: "tokens", limit: 1e12, ...MINUTE },
    { kind: "concurrency", limit: 1e6, windowMs: 0, models: undefined },
  ],
};
const held: HeldPolicy[] = [
  { holder: { kind: "organisation", id: "acme" }, rules: { ...RULES, name: "company" } },
  { holder: { kind: "project", id: "acme/search" }, rules: { ...RULES, name: "team" } },
  { holder: { kind: "key", id: "k1" }, rules: { ...RULES, name: "narrow" } },
];
const identity = { keyId: "k1", name: "ci", role: "chat", scopes: new Set<never>() } as const;
const limited = compileRules(identity, held);
const free = compileRules(identity, []);

const request = create(ChatRequestSchema, {
  model: "fast",
  messages: [
    { role: Role.SYSTEM, parts: [textPart("You answer in one sentence. ".repeat(20))] },
    ...Array.from({ length: 8 }, (_, index) => ({
      role: index % 2 === 0 ? Role.USER : Role.ASSISTANT,
      parts: [textPart("How much does it cost to be allowed to ask? ".repeat(10))],
    })),
  ],
  sampling: { maxOutputTokens: 500 },
  tags: { team: "core" },
});
const size = inputSize(request);
const limiter = new RateLimiter(new LocalPermitSource(runtime), runtime);
const need = { most: size.upperBound + 500, atLeast: size.upperBound + 500 };

function takeAndEnd({ rates }: Principal): void {
  const decision = limiter.take(rates, () => need);
  if (decision instanceof Promise || decision.refusal) throw new Error("Cannot measure: the request was refused");
  rateHeaders(decision.figures);
  decision.end(300);
}

const ask = (caller: Principal) => permit({ caller, request, stream: false }, () => size.upperBound);
const allowed = (caller: Principal) => caller.allowsModel("fast") && caller.allowsModel("house/qwen3");
const parts: readonly (readonly [name: string, run: () => unknown])[] = [
  ["a caller without limits", () => [ask(free), allowed(free)]],
  ["permissions, all of three policies", () => ask(limited)],
  ["models, two names in three policies", () => allowed(limited)],
  ["rates: nine limits taken, told and ended", () => takeAndEnd(limited)],
  ["all of it", () => [ask(limited), allowed(limited), takeAndEnd(limited)]],
  ["(the size of the input, which the books need anyway)", () => inputSize(request)],
];

/** Microseconds a call. */
function each(run: () => unknown): number {
  const startedMs = runtime.monotonicMs();
  for (let index = 0; index < calls; index++) run();
  return ((runtime.monotonicMs() - startedMs) * 1e3) / calls;
}

for (const [, run] of parts) each(run); // compiled first
const taken = new Map<string, number[]>(parts.map(([name]) => [name, []]));
for (let round = 0; round < ROUNDS; round++) for (const [name, run] of parts) taken.get(name)!.push(each(run));
console.log(`${calls} calls a round, ${ROUNDS} rounds; microseconds a call, medians`);
for (const [name, times] of taken)
  console.log(`  ${name.padEnd(54)}${(median(times) ?? Number.NaN).toFixed(2).padStart(8)}`);
const whole = median(taken.get("all of it")!) ?? Infinity;
console.log(`  target under ${LIMIT_US}: ${whole < LIMIT_US ? "met" : "MISSED"}`);
process.exitCode = whole < LIMIT_US ? 0 : 1;
