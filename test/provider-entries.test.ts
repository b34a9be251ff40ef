import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createCatalog, readCatalogFiles } from "../src/catalog/catalog.ts";
import { ChatRequestSchema, violations, withoutContent } from "../src/contract/index.ts";
import { createProvider } from "../src/providers/create-adapter.ts";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";
import type { Parameters } from "../src/providers/address.ts";
import type { ApiName, ProviderEntry } from "../src/providers/entry.ts";
import { bearerAuth, keyAuth } from "../src/upstream/auth/key-auth.ts";
import { corpusCases } from "./support/corpus.ts";
import { SCENARIOS, requestOf, type Scenario } from "./support/scenarios.ts";

// Every kind of provider times every scenario: a golden file holds the request as it leaves, or why it does not. A new
// entry or scenario has no files and fails; `UPDATE_GOLDENS=1 npm test -- test/provider-entries.test.ts` writes
// them. Read what it writes: it is what callers of that provider get.

const GOLDENS = join(import.meta.dirname, "goldens/requests");
const UPDATE = process.env["UPDATE_GOLDENS"] === "1";

// The model by which each kind, and each further API of it, is shown: of those that can do most.
const MODEL_OF: Readonly<Record<string, string>> = {
  anthropic: "claude-sonnet-5",
  "azure-openai": "gpt-5.4",
  "azure-openai.dated": "gpt-4o",
  cerebras: "gpt-oss-120b",
  dashscope: "qwen3.7-plus",
  deepseek: "deepseek-v4-pro",
  fireworks: "accounts/fireworks/models/kimi-k2p6",
  gemini: "gemini-3.5-flash",
  groq: "openai/gpt-oss-120b",
  huggingface: "zai-org/GLM-5.1",
  llamacpp: "local",
  lmstudio: "local",
  mistral: "mistral-small-latest",
  moonshot: "kimi-k2.6",
  nvidia: "nvidia/nemotron-3-super-120b-a12b",
  ollama: "qwen3:8b",
  openai: "gpt-5.2",
  "openai-compatible": "local",
  openrouter: "anthropic/claude-sonnet-5",
  perplexity: "sonar-pro",
  sandbox: "echo",
  together: "Qwen/Qwen3.5-397B-A17B",
  vertex: "gemini-3.5-flash",
  "vertex.messages": "claude-sonnet-5@default",
  vllm: "local",
  xai: "grok-4.3",
  zai: "glm-5.1",
};

// Kinds whose data is there before their entry.
const PLANNED: ReadonlySet<string> = new Set(["bedrock", "cohere"]);

const OTHER_APIS = ["openai.responses", "anthropic.messages", "gemini.generateContent"];

// Folders of the recordings that are named otherwise than the kind.
const RECORDED_AS: Readonly<Record<string, string>> = {
  "azure-openai": "azure",
  dashscope: "qwen",
  vertex: "vertexai",
};

const KEY = { reveal: () => "KEY" };

interface Subject {
  readonly entry: ProviderEntry;
  readonly api: "auto" | ApiName;
  /** Folder of its golden files. */
  readonly folder: string;
  readonly parameters: Parameters;
}

function goldenOf({ entry, api, folder, parameters }: Subject, scenario: Scenario): unknown {
  const { kind } = entry;
  const provider = createProvider({
    name: kind,
    entry,
    api,
    baseUrl: entry.baseUrl === undefined ? "http://127.0.0.1:9/v1" : undefined,
    credentials: [{ id: `${kind}#1`, auth: entry.auth.kind === "none" ? bearerAuth(KEY) : keyAuth(entry.auth, KEY) }],
    parameters,
    models: undefined,
    facts: {},
    catalogue: createCatalog().ofKind(kind),
  });
  const model = MODEL_OF[folder] ?? MODEL_OF[kind];
  if (model === undefined) throw new Error(`Cannot show ${kind}: MODEL_OF names no model for it`);
  const target = provider.target(model);
  if (!target) throw new Error(`Cannot show ${kind}: it does not serve ${model}`);
  // The history is of the API that serves the request, which is chosen by the request.
  const requestAt = (dialect: string) => requestOf(scenario, { provider: kind, dialect, model });
  const explain = (dialect: string) => provider.explain(requestAt(dialect), target);
  const { dialect } = explain(explain(entry.apis[0].dialect.id).api.dialect.id).api;
  const request = requestAt(dialect.id);
  expect(violations(ChatRequestSchema, request)).toEqual([]);
  const { api: chosen, rule } = provider.explain(request, target);
  const why = entry.apis.length > 1 && api === "auto" ? { api: chosen.name, because: rule?.summary ?? "usual" } : {};
  const missing = provider.adapter.unsupported(request, target);
  // What a recorded decision keeps of a request is enough to tell whether the target can serve it.
  const ofShape = provider.adapter.unsupported(withoutContent(request), target);
  expect(ofShape.length > 0, "the request's shape alone decides otherwise").toBe(missing.length > 0);
  if (missing.length > 0) return { ...why, not_supported: missing.map(({ field, reason }) => ({ field, reason })) };
  const { http, adaptations } = provider.adapter.prepare(request, target, scenario.stream === true);
  const { "user-agent": _, ...headers } = http.headers;
  return {
    ...why,
    url: http.origin + http.path,
    headers,
    body: JSON.parse(http.body) as unknown,
    adaptations: adaptations.map(({ $typeName: __, $unknown: ___, ...adaptation }) => adaptation),
  };
}

const PARAMETERS: Parameters = { project: "PROJECT" };

// Where a kind has versions of its API by date, each scenario is shown at an old one too.
function dated(entry: ProviderEntry): Subject[] {
  if (!entry.parameters?.some(({ name }) => name === "api_version")) return [];
  return [{ entry, api: "auto", folder: `${entry.kind}.dated`, parameters: { api_version: "2024-06-01" } }];
}

const subjects = [...PROVIDER_ENTRIES.values()].flatMap((entry): Subject[] => [
  { entry, api: "auto", folder: entry.kind, parameters: PARAMETERS },
  ...entry.apis
    .slice(1)
    .map(({ name }) => ({ entry, api: name, folder: `${entry.kind}.${name}`, parameters: PARAMETERS })),
  ...dated(entry),
]);

const files = subjects.flatMap((subject) =>
  SCENARIOS.map((scenario) => ({ subject, scenario, file: `${subject.folder}/${scenario.name}.json` })),
);

describe("each kind of provider and each scenario", () => {
  test.for(files)("the request of $file leaves as its golden file says", ({ subject, scenario, file }) => {
    const path = join(GOLDENS, file);
    const golden = `${JSON.stringify(goldenOf(subject, scenario), null, 2)}\n`;
    if (UPDATE) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, golden);
    }
    expect(existsSync(path), `${file} is missing: UPDATE_GOLDENS=1 writes it`).toBe(true);
    expect(golden).toBe(readFileSync(path, "utf8"));
  });

  test("no golden file is left of an entry or scenario that is gone", () => {
    const known = new Set(files.map(({ file }) => file));
    const stored = readdirSync(GOLDENS, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"));
    expect(stored.filter((name) => !known.has(name))).toEqual([]);
    expect(stored.length).toBe(known.size);
  });

  test("what a provider cannot do says why, and most of what callers do works at each of them", () => {
    const thin = subjects.flatMap(({ folder }) => {
      const goldens = files.filter(({ subject }) => subject.folder === folder).map(({ file }) => readGolden(file));
      const refused = goldens.filter((golden) => golden.not_supported !== undefined);
      for (const { field, reason } of refused.flatMap((golden) => golden.not_supported ?? [])) {
        expect([folder, field !== "", reason.length > 10]).toEqual([folder, true, true]);
      }
      return refused.length > goldens.length / 2 ? [folder] : [];
    });
    // It has no tools and little sampling: it answers questions from the web.
    expect(thin).toEqual(["perplexity"]);
  });
});

function readGolden(file: string): { readonly not_supported?: readonly { field: string; reason: string }[] } {
  return JSON.parse(readFileSync(join(GOLDENS, file), "utf8")) as ReturnType<typeof readGolden>;
}

describe("provider entries", () => {
  test("every kind that the catalogue knows has an entry, or is planned", () => {
    const kinds = readCatalogFiles(new URL("../src/catalog/data/", import.meta.url)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => !PROVIDER_ENTRIES.has(kind) && !PLANNED.has(kind))).toEqual([]);
  });

  test("an entry says that it is proven exactly where there are recordings of its traffic", ({ skip }) => {
    const cases = corpusCases(["openai.chat", "openai-compat.chat", "mistral.chat", ...OTHER_APIS], 200);
    if (!cases) return skip("there are no recordings");
    const recorded = new Set(cases.map(({ provider }) => provider));
    const wrong = [...PROVIDER_ENTRIES.values()].filter(
      ({ kind, verified }) => recorded.has(RECORDED_AS[kind] ?? kind) !== (verified === "recorded"),
    );
    expect(wrong.map(({ kind }) => kind).filter((kind) => kind !== "openai-compatible")).toEqual([]);
  });
});
