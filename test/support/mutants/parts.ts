import { UNLIMITED } from "../../../src/policy/principal.ts";
import { freshBudgets } from "../../../src/policy/budgets/no-budgets.fixture.ts";
import type { Dialect } from "../../../src/dialects/dialect.ts";
import { anthropicMessages } from "../../../src/dialects/anthropic-messages/index.ts";
import { geminiGenerate } from "../../../src/dialects/gemini-generate/index.ts";
import { openaiChat } from "../../../src/dialects/openai-chat/index.ts";
import { openaiResponses } from "../../../src/dialects/openai-responses/index.ts";
import type { ChatParts, LiveConfig } from "../../../src/pipeline/parts.ts";
import { PROVIDER_ENTRIES } from "../../../src/providers/entries/index.ts";
import { quirksFor } from "../../../src/providers/entry.ts";
import { Affinity } from "../../../src/routing/affinity.ts";
import { LocalPermitSource } from "../../../src/policy/rates/local-source.ts";
import { RateLimiter } from "../../../src/policy/rates/rate-limiter.ts";
import { ExtraAttempts } from "../../../src/routing/extra-attempts.ts";
import { HedgeBudget } from "../../../src/routing/hedge-budget.ts";
import { createLiveTargets } from "../../../src/routing/live-targets.ts";
import { ModelTable } from "../../../src/routing/model-table.ts";
import type { Target } from "../../../src/routing/target.ts";
import type { VirtualRuntime } from "../../../src/runtime/virtual.ts";
import { Slots } from "../../../src/runtime/slots.ts";
import type { UpstreamClient } from "../../../src/upstream/upstream.ts";
import type { Source } from "./answer.ts";

const DIALECTS: ReadonlyMap<string, Dialect> = new Map(
  [openaiChat, openaiResponses, anthropicMessages, geminiGenerate].map((dialect) => [dialect.id, dialect]),
);

// What is known of a provider that has an entry holds for its recordings, too.
function targetOf({ provider, model, dialect }: Source): Target {
  const entry = PROVIDER_ENTRIES.get(provider);
  const api = entry?.apis.find((one) => one.dialect.id === dialect);
  const quirks = entry && api ? quirksFor(entry, model, api) : [];
  return { name: `${provider}/${model}`, provider, model, region: undefined, facts: { capabilities: {}, quirks } };
}

/** What the pipeline needs to call one provider, which speaks the wire format of the source. */
export function mutantParts(
  runtime: VirtualRuntime,
  upstream: UpstreamClient,
  source: Source,
): { readonly parts: ChatParts; readonly model: string } {
  const dialect = DIALECTS.get(source.dialect);
  if (!dialect) throw new RangeError(`Cannot call ${source.provider}: nothing speaks ${source.dialect}`);
  const http = { origin: "http://upstream.test", path: "/", method: "POST" as const, headers: {}, body: "{}" };
  const target = targetOf(source);
  const refused = (): void => undefined;
  const prepared = { dialect, target, http, authorise: undefined, refused, credentialId: "c#1", adaptations: [] };
  const adapter = { name: source.provider, credentialIds: ["c#1"], unsupported: () => [], prepare: () => prepared };
  const config: LiveConfig = {
    models: new ModelTable([{ name: "route", targets: [target] }], []),
    adapters: new Map([[source.provider, adapter]]),
    authenticate: () => ({
      keyId: "k",
      name: "k",
      role: "chat",
      allowsModel: () => true,
      ...UNLIMITED,
    }),
    limits: {
      totalMs: 900_000,
      firstContentMs: 15_000,
      reasoningFirstContentMs: 120_000,
      progressMs: 15_000,
      keepAliveMs: 60_000,
      retryAfterMaxMs: 30_000,
      startupEvents: 64,
      startupBytes: 256 * 1024,
      upstreamEventBytes: 1024 * 1024,
      upstreamResponseBytes: 32 * 1024 * 1024,
      jsonDepth: 64,
    },
  };
  const nothing = (): void => {};
  const parts: ChatParts = {
    runtime,
    upstream,
    ledger: { forwarded: () => Promise.resolve(), ended: nothing, streamed: nothing, close: () => Promise.resolve() },
    budgets: freshBudgets(runtime),
    extraAttempts: new ExtraAttempts(runtime),
    rates: new RateLimiter(new LocalPermitSource(runtime), runtime),
    live: createLiveTargets(runtime),
    affinity: new Affinity(runtime),
    hedges: new HedgeBudget(),
    shadows: new Slots(16),
    memory: { tryTake: () => true, give: () => undefined },
    traces: { keep: () => {} },
    vault: { put: nothing, get: () => undefined, delete: nothing },
    observer: {
      requestStarted: nothing,
      attemptEnded: nothing,
      ownCallEnded: nothing,
      drifted: nothing,
      requestEnded: nothing,
    },
    current: () => config,
  };
  return { parts, model: "route" };
}
