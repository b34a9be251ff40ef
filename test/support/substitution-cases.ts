import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ModelFacts, PriceEntry } from "../../src/catalog/facts.ts";
import {
  ChatRequestSchema,
  Delivery,
  Effort,
  Modality,
  Role,
  Support,
  ToolMode,
  type ChatRequest,
  type ConstraintsSchema,
  type MessageSchema,
  type ToolSchema,
} from "../../src/contract/index.ts";
import { ParleyError } from "../../src/errors/index.ts";
import type { AttemptState, SubstitutionPolicy } from "../../src/routing/substitution.ts";
import type { Target } from "../../src/routing/target.ts";
import { FACTS, type SubstitutionCase } from "./expected-substitution.ts";

/** A small generator of numbers from 0 to below 1 that a seed repeats. */
export function numbersOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NAMES = Object.keys(FACTS) as (keyof typeof FACTS)[];
const QUIET: SubstitutionCase = {
  ...(Object.fromEntries(NAMES.map((name) => [name, FACTS[name][0]])) as unknown as SubstitutionCase),
  reason: "STREAM_INTERRUPTED",
};

/** A case by chance: a quiet day with none to some facts out of order, or with everything at random. */
export function caseOf(next: () => number): SubstitutionCase {
  const any = (name: keyof typeof FACTS): unknown => FACTS[name][Math.floor(next() * FACTS[name].length)];
  const one: Record<string, unknown> = { ...QUIET };
  if (next() < 0.05) for (const name of NAMES) one[name] = any(name);
  const isRestart = next() < 0.4;
  if (isRestart) Object.assign(one, { prefill: "REJECTED", sameProvider: true, sameModel: true });
  if (isRestart) Object.assign(one, { servedModel: "version-1", temperature: 0, seed: 7n });
  if (next() < 0.1) one["reason"] = "CONTEXT_TOO_LONG";
  if (next() < 0.03) one["reason"] = "PROVIDER_CONTENT_BLOCKED";
  for (let changes = Math.floor(next() * 5); changes > 0; changes--) {
    const name = NAMES[Math.floor(next() * NAMES.length)]!;
    one[name] = any(name);
  }
  return one as unknown as SubstitutionCase;
}

/** The arguments of `substitute` that a case describes. */
export function argumentsOf(one: SubstitutionCase): readonly [ChatRequest, AttemptState, Target, SubstitutionPolicy] {
  const { reason, servedModel, delivered, text, deliveredBytes, sawToolCall, sawReasoning, begun, onRefusal } = one;
  const from = targetOf("east", "model-a", { capabilities: {}, quirks: [], ...windowOf(one.fromWindow) }, undefined);
  const state: AttemptState = {
    target: from,
    error: new ParleyError(reason, "It broke."),
    servedModel,
    delivered,
    text,
    deliveredBytes,
    sawToolCall,
    sawReasoning,
    candidates: begun,
  };
  const to = targetOf(
    one.sameProvider ? "east" : "west",
    one.sameModel ? "model-a" : "model-b",
    factsOf(one),
    one.constraint === "region unknown" ? undefined : "eu",
  );
  return [requestOf(one, to.provider), state, to, { delivery: Delivery[one.delivery], onRefusal }];
}

function targetOf(provider: string, model: string, facts: ModelFacts, region: string | undefined): Target {
  return { name: `${provider}/${model}`, provider, model, region, facts };
}

function windowOf(contextTokens: number | undefined): { contextTokens?: number } {
  return contextTokens === undefined ? {} : { contextTokens };
}

function factsOf(one: SubstitutionCase): ModelFacts {
  const { constraint, deterministic } = one;
  const support = (name: (typeof one)["prefill"]): Support | undefined =>
    name === undefined ? undefined : Support[name];
  const capabilities = Object.entries({
    prefill: support(one.prefill),
    seed: support(one.seedSupport),
    ...(constraint === "capable" ? { grammar: Support.NATIVE } : {}),
    ...(constraint === "capability emulated" ? { grammar: Support.EMULATED } : {}),
    ...(constraint === "capability ignored" ? { grammar: Support.IGNORED } : {}),
  }).filter(([, value]) => value !== undefined);
  const entries: PriceEntry[] = constraint === "price unknown" ? [] : [{ unit: "output", nanoUsd: 100 }];
  if (constraint === "too dear") entries.push({ unit: "output", nanoUsd: 300, aboveInputTokens: 1000 });
  const quirk = (path: string | undefined) =>
    path === undefined
      ? []
      : [{ id: "Q", summary: "It differs.", rejects: [path], source: "a test", checkedOn: "2026-11-20" }];
  return {
    capabilities: Object.fromEntries(capabilities),
    quirks: [...quirk(one.prefillQuirk), ...quirk(one.seedQuirk)],
    prices: { version: "config", entries },
    ...windowOf(one.toWindow),
    ...(deterministic === undefined ? {} : { deterministic }),
    dataPolicy: {
      ...(constraint === "keeping unknown" ? {} : { retains: constraint === "keeps" }),
      ...(constraint === "training unknown" ? {} : { trains: constraint === "trains" }),
    },
  };
}

function constraintsOf({ constraint }: SubstitutionCase, to: string): MessageInitShape<typeof ConstraintsSchema> {
  if (constraint === "provider allowed") return { allowProviders: ["north", to] };
  if (constraint === "provider not allowed") return { allowProviders: ["north"] };
  if (constraint === "provider denied") return { denyProviders: [to] };
  if (constraint === "other provider denied") return { denyProviders: ["north"] };
  if (constraint === "in region" || constraint === "region unknown") return { regions: ["us", "eu"] };
  if (constraint === "out of region") return { regions: ["us"] };
  if (constraint.startsWith("keep")) return { zeroRetention: true };
  if (constraint.startsWith("train")) return { noTraining: true };
  if (/cheap|dear|price/.test(constraint)) return { maxOutputNanoUsdPerMillionTokens: 200n };
  return constraint.startsWith("capab") ? { requiredCapabilities: ["grammar"] } : {};
}

const OUTPUTS: Readonly<Record<string, NonNullable<MessageInitShape<typeof ChatRequestSchema>["output"]>>> = {
  text: { format: { case: "text", value: {} } },
  jsonObject: { format: { case: "jsonObject", value: {} } },
  jsonSchema: { format: { case: "jsonSchema", value: { name: "a", schemaJson: "{}" } } },
  grammar: { format: { case: "grammar", value: { syntax: "regex", definition: "a" } } },
};

const REASONINGS: Readonly<Record<string, MessageInitShape<typeof ChatRequestSchema>["reasoning"]>> = {
  empty: {},
  disabled: { enabled: false },
  none: { effort: Effort.NONE },
  "disabled but high": { enabled: false, effort: Effort.HIGH },
  "enabled but none": { enabled: true, effort: Effort.NONE },
  enabled: { enabled: true },
  low: { effort: Effort.LOW },
  budget: { budgetTokens: 2048 },
};

const TOOLS: Readonly<Record<string, MessageInitShape<typeof ToolSchema>[]>> = {
  function: [{ kind: { case: "function", value: { name: "look" } } }],
  custom: [{ kind: { case: "custom", value: { name: "write" } } }],
  web_search: [{ kind: { case: "webSearch", value: {} } }],
  native: [{ kind: { case: "native", value: { dialect: "some-wire", type: "computer", definitionJson: "" } } }],
  "tool with stores": [
    {
      kind: {
        case: "native",
        value: { dialect: "some-wire", type: "file_search", definitionJson: '{"a":[{"vector_store_ids":["vs_1"]}]}' },
      },
    },
  ],
  "tool without stores": [
    {
      kind: {
        case: "native",
        value: { dialect: "some-wire", type: "code", definitionJson: '{"container":{"type":"auto"},"file_ids":[]}' },
      },
    },
  ],
};

function requestOf(one: SubstitutionCase, to: string): ChatRequest {
  const { temperature, seed, asked: candidates, logprobs, topLogprobs, format, allowFallbacks } = one;
  const words = one.modalities.split(" ").filter((word) => word !== "") as ("TEXT" | "IMAGE" | "AUDIO")[];
  const sampling = Object.entries({ temperature, seed, candidates, logprobs, topLogprobs });
  const last =
    one.lastRole === "ASSISTANT prefill" ? { role: Role.ASSISTANT, prefill: true } : { role: Role[one.lastRole] };
  const said = [{ kind: { case: "text" as const, value: { text: "So" } } }];
  const json = '{"some":{"cachedContent":"cachedContents/1"}}';
  const raw = {
    "cached content": { dialect: "some-wire", json },
    "cached content for the first": { provider: "east", json },
    "other parameters": { dialect: "some-wire", json: '{"cached_content":null,"safe":"yes"}' },
  }[one.bound as string];
  return create(ChatRequestSchema, {
    model: "fast",
    messages: [...boundMessages(one.bound, to), { ...last, parts: said }],
    tools: [...(TOOLS[one.tools] ?? []), ...(TOOLS[one.bound] ?? [])],
    ...(one.toolMode === undefined ? {} : { toolChoice: { mode: ToolMode[one.toolMode] } }),
    sampling: Object.fromEntries(sampling.filter(([, value]) => value !== undefined)),
    ...(format === undefined && words.length === 0
      ? {}
      : { output: { ...OUTPUTS[format ?? ""], modalities: words.map((word) => Modality[word]) } }),
    ...(one.reasoning === undefined ? {} : { reasoning: REASONINGS[one.reasoning] ?? {} }),
    routing: { constraints: constraintsOf(one, to), ...(allowFallbacks === undefined ? {} : { allowFallbacks }) },
    rawParams: raw ? [raw] : [],
  });
}

type MessageInit = MessageInitShape<typeof MessageSchema>;
type PartInit = NonNullable<MessageInit["parts"]>[number];

const file = (provider?: string): PartInit => ({
  kind: {
    case: "media",
    value: {
      modality: Modality.DOCUMENT,
      source: { case: "file", value: { id: "file-1", ...(provider === undefined ? {} : { provider }) } },
    },
  },
});

const generated: PartInit = {
  kind: {
    case: "media",
    value: { modality: Modality.AUDIO, source: { case: "inline", value: new Uint8Array(1) }, generatedId: "audio_1" },
  },
};

const block = (provider: string): PartInit => ({
  kind: { case: "opaque", value: { origin: { provider, dialect: "some-wire" }, nativeType: "odd", json: "{}" } },
});

const asks = (...parts: PartInit[]): MessageInit[] => [{ role: Role.USER, parts }];
const answers = (provider: string | undefined, ...parts: PartInit[]): MessageInit[] => [
  { role: Role.ASSISTANT, parts, ...(provider === undefined ? {} : { origin: { provider } }) },
];

function boundMessages(bound: SubstitutionCase["bound"], second: string): MessageInit[] {
  const result: PartInit = { kind: { case: "toolResult", value: { callId: "c", content: [file()] } } };
  switch (bound) {
    case "file at the first":
      return asks(file("east"));
    case "file at the second":
      return asks(file(second));
    case "file at a third":
      return asks(file("north"));
    case "file anywhere":
      return asks(file());
    case "file in a result":
      return [{ role: Role.TOOL, parts: [result] }];
    case "file of the second's answer":
      return answers(second, file());
    case "sound of nobody's answer":
      return answers(undefined, generated);
    case "sound of a third's answer":
      return answers("north", generated);
    case "picture in a question":
      return asks(generated);
    case "foreign state":
      return answers("north", {
        kind: { case: "reasoning", value: { text: ["hm"] } },
        state: [{ origin: { provider: "north" }, format: "some-wire.x", payload: { case: "text", value: "s" } }],
      });
    case "foreign block in an answer":
      return answers("north", block("north"));
    case "nameless block in an answer":
      return answers(undefined, block(""));
    case "first's block in a question":
      return asks(block("east"));
    case "second's block in a question":
      return asks(block(second));
    case "nameless block in a question":
      return asks(block(""));
    default:
      return [];
  }
}
