import { UNLIMITED, type Principal } from "../../../src/policy/principal.ts";
import { freshBudgets } from "../../../src/policy/budgets/no-budgets.fixture.ts";
import { create } from "@bufbuild/protobuf";
import { createCatalog } from "../../../src/catalog/catalog.ts";
import {
  ChatRequestSchema,
  type ChatResponse,
  EventGrammar,
  isContent,
  ResponseFold,
  isTerminal,
  type StreamEvent,
} from "../../../src/contract/index.ts";
import { reasonName } from "../../../src/errors/index.ts";
import type { LedgerRecord } from "../../../src/ledger/records.ts";
import type { ChatOutcome, EventSink } from "../../../src/pipeline/call.ts";
import { LiveRequests, chat } from "../../../src/pipeline/chat.ts";
import type { AttemptEndedRecord, RequestEndedRecord } from "../../../src/ledger/records.ts";
import { startProbes } from "../../../src/pipeline/probe.ts";
import type { RequestTrace } from "../../../src/pipeline/trace.ts";
import type { ChatLimits, ChatParts, LiveConfig, MemoryPort } from "../../../src/pipeline/parts.ts";
import { createProvider, type ConfiguredProvider } from "../../../src/providers/create-adapter.ts";
import { SANDBOX_FORMATS } from "../../../src/providers/entries/sandbox-formats.ts";
import { Affinity } from "../../../src/routing/affinity.ts";
import { LocalPermitSource } from "../../../src/policy/rates/local-source.ts";
import { RateLimiter } from "../../../src/policy/rates/rate-limiter.ts";
import { ExtraAttempts } from "../../../src/routing/extra-attempts.ts";
import { HedgeBudget } from "../../../src/routing/hedge-budget.ts";
import type { LiveTargets, ProbedTargets } from "../../../src/routing/live.ts";
import { createLiveTargets } from "../../../src/routing/live-targets.ts";
import { ModelTable, type Route } from "../../../src/routing/model-table.ts";
import type { Target } from "../../../src/routing/target.ts";
import type { Runtime } from "../../../src/runtime/runtime.ts";
import { Slots } from "../../../src/runtime/slots.ts";
import { keyAuth } from "../../../src/upstream/auth/key-auth.ts";
import type { UpstreamClient } from "../../../src/upstream/upstream.ts";
import type { WallRequest } from "../wall.ts";

// The pipeline with the real adapters, codecs, health and budgets, and no network: for what has to be played many times.

const LIMITS: ChatLimits = {
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
};

const nothing = (): void => {};
const caller = {
  keyId: "k",
  name: "k",
  role: "chat" as const,
  allowsModel: () => true,
  ...UNLIMITED,
};

const UNBOUNDED: MemoryPort = { tryTake: () => true, give: nothing };

const NO_PROBES: NonNullable<LiveConfig["probes"]> = new Map();

let known: readonly ConfiguredProvider[] | undefined;

// The sandbox's formats as a gateway has them; `same-again` says the same again and does not continue.
function providers(): readonly ConfiguredProvider[] {
  const models = createCatalog().ofKind("sandbox");
  const provider = (format: (typeof SANDBOX_FORMATS)[number], name: string, deterministic: boolean) =>
    createProvider({
      name,
      entry: format.entry,
      api: "auto",
      baseUrl: `http://sandbox.test${format.basePath}`,
      credentials: [{ id: `${name}#1`, auth: keyAuth(format.entry.auth, { reveal: () => "sandbox" }) }],
      models: undefined,
      facts: { deterministic },
      catalogue: { lookup: (id) => models.lookup(id), modelIds: [] },
    });
  return (known ??= [
    ...SANDBOX_FORMATS.map((format) => provider(format, format.entry.kind, false)),
    provider(SANDBOX_FORMATS[0]!, "same-again", true),
  ]);
}

/** The target of a name such as `sandbox/story`. */
export function targetNamed(name: string): Target {
  const [provider = "", ...model] = name.split("/");
  const target = providers()
    .find((one) => one.name === provider)
    ?.target(model.join("/"));
  if (!target) throw new RangeError(`Cannot find the target ${name}`);
  return target;
}

/** A gateway's pipeline with health, statistics and a budget of extra attempts of its own. */
export class InProcessGateway {
  readonly #runtime: Runtime;
  readonly #parts: ChatParts & { readonly live: LiveTargets & ProbedTargets };
  readonly #live = new LiveRequests();

  readonly #caller: Principal;
  /** What became of its requests. */
  readonly traces: RequestTrace[] = [];
  /** What stands in its books. */
  readonly records: LedgerRecord[] = [];
  /** Sum of the costs in its books. */
  spentNanoUsd = 0;

  /** `more` is what the caller's key has beyond permission for everything. */
  constructor(
    runtime: Runtime,
    upstream: UpstreamClient,
    routes: readonly Route[] = [],
    memory = UNBOUNDED,
    probes = NO_PROBES,
    more: Partial<Principal> = {},
  ) {
    this.#caller = { ...caller, ...more };
    this.#runtime = runtime;
    const config: LiveConfig = {
      models: new ModelTable(routes, providers()),
      adapters: new Map(providers().map((provider) => [provider.name, provider.adapter])),
      authenticate: () => this.#caller,
      limits: LIMITS,
      probes,
    };
    this.#parts = {
      runtime,
      upstream,
      ledger: {
        forwarded: (record) => Promise.resolve(void this.records.push(record)),
        ended: (record) => this.#book(record),
        streamed: nothing,
        close: () => Promise.resolve(),
      },
      budgets: freshBudgets(runtime),
      extraAttempts: new ExtraAttempts(runtime),
      rates: new RateLimiter(new LocalPermitSource(runtime), runtime),
      live: createLiveTargets(runtime),
      affinity: new Affinity(runtime),
      hedges: new HedgeBudget(),
      shadows: new Slots(16),
      memory,
      traces: { keep: (_keyId, trace) => void this.traces.push(trace) },
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
  }

  /** Health and statistics of what it calls. */
  get health(): LiveTargets & ProbedTargets {
    return this.#parts.live;
  }

  /** Begins to try out what has rested; returns how to stop. */
  startProbes(): () => void {
    return startProbes(this.#parts);
  }

  #book(record: AttemptEndedRecord | RequestEndedRecord): void {
    this.records.push(record);
    if (record.kind === "attempt_ended") this.spentNanoUsd += Number(record.cost?.nanoUsd ?? 0n);
  }

  /** Runs a request to its end. */
  async ask(
    request: WallRequest,
    stream: boolean,
    { abort = new AbortController(), timeoutMs }: { abort?: AbortController; timeoutMs?: number } = {},
  ): Promise<Told> {
    const sink = new TellingSink();
    const call = {
      requestId: this.#runtime.newId("req"),
      caller: this.#caller,
      request: create(ChatRequestSchema, request),
      stream,
      timeoutMs,
      signal: abort.signal,
      abort: (reason: unknown) => abort.abort(reason),
      carriesState: true,
      takesReset: true,
      surface: "test",
    };
    const outcome = await chat(this.#parts, this.#live, call, sink);
    return sink.told(outcome);
  }
}

/** What a caller was told. */
export interface Told {
  /** `completed`, or the reason of the failure. */
  readonly end: string;
  /** As whoever appends deltas has it. */
  readonly text: string;
  /** Attempts that were made. */
  readonly attempts: number;
  readonly marks: readonly string[];
  readonly hadContent: boolean;
  /** The whole answer; undefined: it failed. */
  readonly response?: ChatResponse;
  /** What no caller may ever see; empty where all is well. */
  readonly defects: readonly string[];
}

class TellingSink implements EventSink {
  onDrain: (() => void) | undefined;
  readonly #grammar = new EventGrammar();
  readonly #fold = new ResponseFold();
  readonly #defects: string[] = [];
  readonly #marks: string[] = [];
  #seq = 0;
  #terminals: string[] = [];
  #text = "";
  #hadContent = false;

  write(events: StreamEvent[]): boolean {
    for (const event of events) this.#take(event);
    return true;
  }

  told(outcome: ChatOutcome): Told {
    const defects = [...this.#defects];
    const due = outcome.kind === "completed" ? "completed" : outcome.delivered ? "failed" : "";
    if (this.#terminals.join() !== due) defects.push(`terminals [${this.#terminals.join()}] where [${due}] is due`);
    const common = { text: this.#text, marks: this.#marks, hadContent: this.#hadContent };
    if (outcome.kind === "failed") {
      const { error, gatewayError } = outcome;
      return { ...common, end: reasonName(error.reason), attempts: gatewayError.attempts.length, defects };
    }
    const response = this.#fold.response();
    const { candidates, attempts } = response;
    const folded = (candidates[0]?.message?.parts ?? [])
      .map(({ kind }) => (kind.case === "text" ? kind.value.text : ""))
      .join("");
    // Whole answers come without deltas.
    if (this.#text !== "" && folded !== this.#text) defects.push("what was folded is not what came in deltas");
    if (!candidates[0]?.finish) defects.push("it is complete and does not say why it ended");
    return { ...common, text: folded, end: "completed", attempts: attempts.length, response, defects };
  }

  #take(event: StreamEvent): void {
    const { event: kind, seq } = event;
    const wrong = this.#grammar.check(event);
    if (wrong !== undefined) this.#defects.push(wrong);
    if (kind.case !== "keptAlive" && seq !== ++this.#seq) this.#defects.push(`seq ${seq} where ${this.#seq} is due`);
    if (isTerminal(event)) this.#terminals.push(kind.case ?? "");
    if (isContent(event)) this.#hadContent = true;
    if (kind.case === "reset" || kind.case === "continued") this.#marks.push(kind.case);
    if (kind.case === "reset") this.#text = "";
    if (kind.case === "blockDelta" && kind.value.delta.case === "text") this.#text += kind.value.delta.value;
    this.#fold.add(event);
  }
}
