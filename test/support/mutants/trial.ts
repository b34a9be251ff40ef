import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  ChatResponseSchema,
  EventGrammar,
  GatewayErrorSchema,
  Role,
  StreamEventSchema,
  fold,
  isTerminal,
  textPart,
  type StreamEvent,
} from "../../../src/contract/index.ts";
import { wordSet } from "../../../src/dialects/drift.ts";
import { ParleyError, reasonName } from "../../../src/errors/index.ts";
import type { ChatOutcome, EventSink } from "../../../src/pipeline/call.ts";
import { LiveRequests, chat } from "../../../src/pipeline/chat.ts";
import { VirtualRuntime } from "../../../src/runtime/virtual.ts";
import { ChunkEncoder } from "../../../src/surfaces/openai/chunk-encoder.ts";
import { encodeResponse } from "../../../src/surfaces/openai/encode-response.ts";
import { Dice } from "./dice.ts";
import type { Mutant } from "./mutate.ts";
import { mutantParts } from "./parts.ts";
import { PlayedUpstream } from "./played-upstream.ts";

/** How a mutant ended: `completed` or the reason of its failure, and what is wrong about that. */
export interface Verdict {
  readonly end: string;
  readonly defects: readonly string[];
}

const TWO_TOTALS_MS = 1_900_000;
const AFTER_END_MS = 5_000;

/** A caller who sometimes reads slowly. */
class Caller implements EventSink {
  readonly events: StreamEvent[] = [];
  onDrain: (() => void) | undefined;
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  write(events: StreamEvent[]): boolean {
    this.events.push(...events);
    if (this.#dice.chance(0.95)) return true;
    queueMicrotask(() => this.onDrain?.());
    return false;
  }
}

/** Sends a request through the pipeline, has a provider answer with the mutant, and judges what the caller gets. */
export async function tryMutant(mutant: Mutant, seed: number): Promise<Verdict> {
  const dice = new Dice(seed);
  const runtime = new VirtualRuntime({ seed });
  const upstream = new PlayedUpstream(mutant, dice);
  const { parts, model } = mutantParts(runtime, upstream, mutant.source);
  const caller = new Caller(dice);
  const abort = new AbortController();
  let outcome: ChatOutcome | undefined;
  const running = chat(
    parts,
    new LiveRequests(),
    {
      requestId: "req_1",
      caller: await parts.current().authenticate({ key: undefined }),
      request: create(ChatRequestSchema, {
        model,
        messages: [{ role: Role.USER, parts: [textPart("hi")] }],
        routing: { maxAttempts: 1 }, // each mutant is judged by its own end
      }),
      stream: mutant.stream,
      timeoutMs: undefined,
      signal: abort.signal,
      abort: (reason) => abort.abort(reason),
      carriesState: true,
      takesReset: true,
      surface: "test",
    },
    caller,
  ).then((ended) => (outcome = ended));
  await runtime.advance(0);
  const defects: string[] = [];
  if (!outcome && mutant.ending !== "silence") defects.push("waits although the provider has said all");
  if (!outcome) await runtime.advance(TWO_TOTALS_MS);
  if (!outcome) return { end: "nothing", defects: [...defects, "hangs"] };
  const ended = await running;
  await runtime.advance(AFTER_END_MS);
  if (runtime.pendingTimers > 0) defects.push(`leaves ${runtime.pendingTimers} timers behind`);
  if (!upstream.isOver) defects.push("leaves the call to the provider open");
  defects.push(
    ...wrongEvents(caller.events, ended),
    ...wrongEnd(ended, mutant, upstream.sent),
    ...unwritable(ended, caller.events),
  );
  return { end: ended.kind === "completed" ? "completed" : reasonName(ended.error.reason), defects };
}

function wrongEvents(events: readonly StreamEvent[], outcome: ChatOutcome): string[] {
  const grammar = new EventGrammar();
  const defects: string[] = events.flatMap((event) => grammar.check(event) ?? []);
  const numbered = events.filter(({ event }) => event.case !== "keptAlive");
  if (numbered.some(({ seq }, index) => seq !== index + 1)) defects.push("events are not numbered without gaps");
  const terminals = events.filter(isTerminal).map(({ event }) => event.case);
  const due = outcome.kind === "completed" ? ["completed"] : outcome.delivered ? ["failed"] : [];
  if (terminals.join() !== due.join()) defects.push(`terminals [${terminals.join()}] where [${due.join()}] is due`);
  if (due.length === 0 && events.length > 0) defects.push("events were delivered, which the outcome denies");
  return defects;
}

/** Reasons that are never a provider's: the gateway's own, those of its policies, and of a caller who has left. */
export const FOREIGN_REASONS = wordSet(`
  GATEWAY_INTERNAL GATEWAY_OVERLOADED MISCONFIGURED DRAINING ATTEMPTS_EXHAUSTED NOT_IMPLEMENTED
  UNAUTHENTICATED MODEL_NOT_ALLOWED RATE_LIMITED BUDGET_EXCEEDED CANCELLED DEADLINE_EXCEEDED
`);

// Where each format says that an answer is complete. Bytes without it are no complete answer, whatever else they are.
const FINISHES: Readonly<Record<string, RegExp>> = {
  "openai-chat": /"finish_reason"\s*:\s*(?!null)/,
  "anthropic-messages": /"stop_reason"\s*:\s*(?!null)/,
  "gemini-generate": /"(?:finishReason|blockReason)"\s*:\s*(?!null)/,
  "openai-responses": /\bresponse\.(?:completed|incomplete)\b|"(?:completed|incomplete)"/,
};

function wrongEnd(outcome: ChatOutcome, mutant: Mutant, sent: Buffer): string[] {
  if (outcome.kind === "completed") {
    const isFinished = FINISHES[mutant.source.dialect]?.test(sent.toString("utf8")) === true;
    return isFinished ? [] : ["completed although the provider has not said why it finished"];
  }
  const reason = reasonName(outcome.error.reason);
  return FOREIGN_REASONS.has(reason) ? [`fails with ${reason}: ${causeOf(outcome.error)}`] : [];
}

function causeOf({ cause, message }: Error): string {
  return cause instanceof Error ? String(cause.stack).split("\n").slice(0, 5).join(" | ") : message;
}

/** What a surface cannot write: each event and answer has to fit into every format. */
function unwritable(outcome: ChatOutcome, events: readonly StreamEvent[]): string[] {
  const defects: string[] = [];
  const attempt = (what: string, step: () => void): void => {
    try {
      step();
    } catch (thrown) {
      if (!(thrown instanceof ParleyError)) defects.push(`${what} cannot be written: ${String(thrown)}`);
    }
  };
  for (const event of events) attempt(`${event.event.case}`, () => toBinary(StreamEventSchema, event));
  const options = { legacyFunctions: false, nowSeconds: 1 };
  if (outcome.kind === "completed") {
    attempt("the answer", () => toJsonString(ChatResponseSchema, fold(events)));
    attempt("the chat completion", () => JSON.stringify(encodeResponse(fold(events), options)));
  } else {
    attempt("the error", () => toJsonString(GatewayErrorSchema, outcome.gatewayError));
  }
  attempt("the stream of chunks", () => {
    const errorOf = (): never => {
      throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot show");
    };
    new ChunkEncoder({ ...options, requestId: "r", includeUsage: true, errorOf }).encode(events);
  });
  return defects;
}
