import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { ModelFacts } from "../catalog/facts.ts";
import { ChatRequestSchema, Delivery, Modality, Role, Support, ToolMode, textPart } from "../contract/index.ts";
import { ParleyError, type ReasonName } from "../errors/index.ts";
import { substitute, type AttemptState, type SubstitutionPolicy } from "./substitution.ts";
import type { Target } from "./target.ts";

type RequestInit = MessageInitShape<typeof ChatRequestSchema>;
type Broken = Partial<Omit<AttemptState, "error">> & { readonly reason?: ReasonName };

interface Situation {
  readonly request?: RequestInit;
  readonly broken?: Broken;
  readonly target?: Target;
  readonly policy?: Partial<SubstitutionPolicy>;
}

const target = (name: string, facts: Partial<ModelFacts> = {}): Target => {
  const [provider = "", model = ""] = name.split("/");
  return { name, provider, model, region: "eu", facts: { capabilities: {}, quirks: [], ...facts } };
};
const east = target("east/a", { contextTokens: 100 });
const able = target("west/b", { capabilities: { prefill: Support.NATIVE } });
const unable = target("west/c");
const messages = [{ role: Role.USER, parts: [textPart("Tell me.")] }];

function outcome({ request, broken = {}, target: to = able, policy }: Situation): string {
  const { reason = "STREAM_INTERRUPTED", ...state } = broken;
  const result = substitute(
    create(ChatRequestSchema, { model: "fast", messages, ...request }),
    {
      target: east,
      error: new ParleyError(reason, "It broke."),
      servedModel: "a-2026",
      delivered: true,
      text: "Once upon",
      deliveredBytes: 9,
      sawToolCall: false,
      sawReasoning: false,
      candidates: 1,
      ...state,
    },
    to,
    { delivery: Delivery.AUTO, onRefusal: "answer", ...policy },
  );
  if (result.kind === "verified_restart") return `verified_restart as ${result.servedModel ?? "any"}`;
  return result.kind === "deny" ? result.rule : result.kind;
}

const nothing: Broken = { delivered: false, text: undefined, deliveredBytes: 0, candidates: 0 };
const modes = [Delivery.UNSPECIFIED, Delivery.COMMIT, Delivery.AUTO, Delivery.RESTARTABLE, Delivery.HOLD];
const tool = { kind: { case: "function" as const, value: { name: "look" } } };

describe("before content another target simply answers", () => {
  test.each(modes)("with delivery %s", (delivery) => {
    expect(outcome({ broken: nothing, policy: { delivery }, target: unable })).toBe("replace");
  });
  test("whatever is asked for", () => {
    const request: RequestInit = {
      tools: [tool],
      sampling: { candidates: 3, logprobs: true },
      output: { format: { case: "jsonObject", value: {} } },
      reasoning: { enabled: true },
    };
    expect(outcome({ request, broken: nothing, target: unable })).toBe("replace");
  });
  test("also with hold, when a call or more than can be continued had come", () => {
    const broken: Broken = {
      ...nothing,
      sawToolCall: true,
      sawReasoning: true,
      candidates: 2,
      deliveredBytes: 100_000,
    };
    expect(outcome({ broken, policy: { delivery: Delivery.HOLD }, target: unable })).toBe("replace");
  });
});

describe("the error says whether it may be answered elsewhere, before content and after it", () => {
  test.each<[ReasonName, string]>([
    ["PROVIDER_OVERLOADED", "replace"],
    ["MODEL_NOT_FOUND", "replace"],
    ["INVALID_REQUEST", "error"],
    ["UNAUTHENTICATED", "error"],
    ["BUDGET_EXCEEDED", "error"],
    ["CONTENT_BLOCKED", "error"],
    ["DEADLINE_EXCEEDED", "error"],
    ["CANCELLED", "error"],
    ["ATTEMPTS_EXHAUSTED", "error"],
    ["PROVIDER_CONTENT_BLOCKED", "refusal"],
    ["CONTEXT_TOO_LONG", "window"],
  ])("%s", (reason, expected) => {
    expect(outcome({ broken: { ...nothing, reason } })).toBe(expected);
    expect(outcome({ broken: { reason } })).toBe(expected === "replace" ? "continue" : expected);
  });
  test("a provider's refusal goes on where the operator wants it, and the gateway's own never", () => {
    const policy = { onRefusal: "next_target" } as const;
    expect(outcome({ broken: { ...nothing, reason: "PROVIDER_CONTENT_BLOCKED" }, policy })).toBe("replace");
    expect(outcome({ broken: { ...nothing, reason: "CONTENT_BLOCKED" }, policy })).toBe("error");
  });
  test.each([
    [101, "replace"],
    [100, "window"],
    [99, "window"],
    [undefined, "window"],
  ])("what overflowed 100 tokens and a window of %s", (contextTokens, expected) => {
    const facts = contextTokens === undefined ? {} : { contextTokens };
    const broken: Broken = { ...nothing, reason: "CONTEXT_TOO_LONG" };
    expect(outcome({ broken, target: target("west/b", facts) })).toBe(expected);
    expect(outcome({ broken: { ...broken, target: target("east/a") }, target: target("west/b", facts) })).toBe(
      "window",
    );
  });
});

describe("no substitute breaks what holds for the request", () => {
  test.each<[string, RequestInit, string]>([
    ["a region", { routing: { constraints: { regions: ["us"] } } }, "constraints"],
    ["unknown retention", { routing: { constraints: { zeroRetention: true } } }, "constraints"],
    ["one target only", { routing: { allowFallbacks: false } }, "fallbacks"],
    ["its own region", { routing: { constraints: { regions: ["eu"] } } }, "reset"],
  ])("%s", (_name, request, expected) => {
    expect(outcome({ request, policy: { delivery: Delivery.RESTARTABLE } })).toBe(expected);
    expect(outcome({ request, broken: nothing })).toBe(expected === "reset" ? "replace" : expected);
  });
  test("the same target may be asked again where only one is allowed", () => {
    expect(outcome({ request: { routing: { allowFallbacks: false } }, broken: nothing, target: east })).toBe("replace");
  });
});

describe("after content the delivery mode decides", () => {
  test.each([
    [Delivery.UNSPECIFIED, "delivery"],
    [Delivery.COMMIT, "delivery"],
    [Delivery.AUTO, "continue"],
    [Delivery.HOLD, "continue"],
    [Delivery.RESTARTABLE, "reset"],
  ])("%s", (delivery, expected) => {
    expect(outcome({ policy: { delivery } })).toBe(expected);
  });
  test("a reset needs nothing of what a continuation needs", () => {
    const broken: Broken = {
      text: undefined,
      sawToolCall: true,
      sawReasoning: true,
      candidates: 3,
      deliveredBytes: 1e9,
    };
    expect(outcome({ broken, target: unable, policy: { delivery: Delivery.RESTARTABLE } })).toBe("reset");
  });
});

describe("only plain text of one answer is continued or repeated", () => {
  const repeatable = target("west/c", { deterministic: true });
  test.each<[string, Situation]>([
    ["other blocks", { broken: { text: undefined } }],
    ["two candidates begun", { broken: { candidates: 2 } }],
    ["two candidates asked for", { request: { sampling: { candidates: 2 } } }],
    ["a tool call", { broken: { sawToolCall: true } }],
    ["reasoning", { broken: { sawReasoning: true } }],
    ["tools that may be called", { request: { tools: [tool] } }],
    ["tools that must be called", { request: { tools: [tool], toolChoice: { mode: ToolMode.REQUIRED } } }],
    ["a JSON object", { request: { output: { format: { case: "jsonObject", value: {} } } } }],
    ["a schema", { request: { output: { format: { case: "jsonSchema", value: { schemaJson: "{}" } } } } }],
    ["a grammar", { request: { output: { format: { case: "grammar", value: {} } } } }],
    ["pictures", { request: { output: { modalities: [Modality.TEXT, Modality.IMAGE] } } }],
    ["log probabilities", { request: { sampling: { logprobs: true } } }],
    ["the likeliest tokens", { request: { sampling: { topLogprobs: 1 } } }],
    ["reasoning asked for", { request: { reasoning: { budgetTokens: 1024 } } }],
  ])("not %s", (_name, situation) => {
    expect(outcome(situation)).toBe("not_plain_text");
    expect(outcome({ ...situation, target: repeatable })).toBe("not_plain_text");
  });
  test.each<[string, Situation]>([
    ["tools that may not be called", { request: { tools: [tool], toolChoice: { mode: ToolMode.NONE } } }],
    [
      "free text asked for by name",
      { request: { output: { format: { case: "text", value: {} }, modalities: [Modality.TEXT] } } },
    ],
    ["reasoning switched off", { request: { reasoning: { enabled: false } } }],
    ["one candidate asked for", { request: { sampling: { candidates: 1, logprobs: false, topLogprobs: 0 } } }],
    ["nothing but white space", { broken: { text: " ", deliveredBytes: 1 } }],
    ["64 KiB", { broken: { deliveredBytes: 65_536 } }],
  ])("but %s", (_name, situation) => {
    expect(outcome(situation)).toBe("continue");
    expect(outcome({ ...situation, target: repeatable })).toBe("verified_restart as any");
  });
  test("not more than 64 KiB", () => {
    expect(outcome({ broken: { deliveredBytes: 65_537 } })).toBe("too_long");
    expect(outcome({ broken: { deliveredBytes: 65_537 }, target: repeatable })).toBe("too_long");
  });
  test("a request that ends with words of the assistant may be answered again, not continued", () => {
    const request = { messages: [...messages, { role: Role.ASSISTANT, parts: [textPart("So")], prefill: true }] };
    expect(outcome({ request })).toBe("not_plain_text");
    expect(outcome({ request, target: repeatable })).toBe("verified_restart as any");
  });
});

describe("where prefill is not taken, only the same answer goes on", () => {
  const repeatable = { sampling: { temperature: 0, seed: 7n } };
  const prefill = (support: Support, quirk?: string): Target =>
    target("west/c", {
      capabilities: { prefill: support },
      quirks: quirk ? [{ id: "Q", summary: "", rejects: [quirk], source: "", checkedOn: "2026-11-20" }] : [],
    });
  const again = (facts: Partial<ModelFacts> = {}): Target => target("east/a", facts);

  test.each<[string, Target]>([
    ["unknown", unable],
    ["emulated", prefill(Support.EMULATED)],
    ["ignored", prefill(Support.IGNORED)],
    ["rejected", prefill(Support.REJECTED)],
    ["rejected by a quirk", prefill(Support.NATIVE, "messages.prefill")],
  ])("prefill is %s", (_name, to) => {
    expect(outcome({ target: to })).toBe("not_reproducible");
    expect(outcome({ target: { ...to, facts: { ...to.facts, deterministic: true } } })).toBe("verified_restart as any");
  });
  test("a prefill goes before a restart", () => {
    expect(outcome({ target: target("west/b", { ...able.facts, deterministic: true }) })).toBe("continue");
  });
  test.each<[string, Situation, string]>([
    ["the same model and version", { request: repeatable, target: again() }, "verified_restart as a-2026"],
    [
      "an unknown version",
      { request: repeatable, target: again(), broken: { servedModel: undefined } },
      "not_reproducible",
    ],
    ["another provider", { request: repeatable, target: target("west/a") }, "not_reproducible"],
    ["another model", { request: repeatable, target: target("east/b") }, "not_reproducible"],
    ["no temperature", { request: { sampling: { seed: 7n } }, target: again() }, "not_reproducible"],
    [
      "some temperature",
      { request: { sampling: { temperature: 0.1, seed: 7n } }, target: again() },
      "not_reproducible",
    ],
    ["no seed", { request: { sampling: { temperature: 0 } }, target: again() }, "not_reproducible"],
    [
      "a seed that does nothing",
      { request: repeatable, target: again({ capabilities: { seed: Support.IGNORED } }) },
      "not_reproducible",
    ],
  ])("%s", (_name, situation, expected) => {
    expect(outcome(situation)).toBe(expected);
  });
});

test("a denial says why, without what was said", () => {
  const secret = "The launch code is 0000.";
  const request = create(ChatRequestSchema, {
    model: "fast",
    messages: [{ role: Role.USER, parts: [textPart(secret)] }],
  });
  const state: AttemptState = {
    target: east,
    error: new ParleyError("STREAM_INTERRUPTED", secret),
    servedModel: undefined,
    delivered: true,
    text: secret,
    deliveredBytes: 24,
    sawToolCall: false,
    sawReasoning: false,
    candidates: 1,
  };
  expect(substitute(request, state, unable, { delivery: Delivery.AUTO, onRefusal: "answer" })).toEqual({
    kind: "deny",
    rule: "not_reproducible",
    reason: "west/c neither continues a prefill nor is known to say the same again",
  });
});
