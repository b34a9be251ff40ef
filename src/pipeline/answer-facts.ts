import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  FailedSchema,
  FinishReason,
  StreamEventSchema,
  blockFinished,
  candidateFinished,
  textPart,
  type Adaptation,
  type Attempt,
  type Completed,
  type Delivery as DeliveryMode,
  type GatewayError,
  type Origin,
  type Started,
  type StreamEvent,
  type Trace,
} from "../contract/index.ts";
import type { AnswerFilter } from "./filter.ts";

/** What the gateway knows of an answer that its codec does not. */
export interface AnswerFacts {
  readonly requestId: string;
  /** From 1. */
  readonly attempt: number;
  readonly origin: Origin;
  readonly createdAtMs: number;
  readonly adaptations: readonly Adaptation[];
  /** What the caller is to get when an upstream breaks; never unspecified. */
  readonly mode: DeliveryMode;
  /** What the caller's content rules make of it; undefined: there are none. */
  readonly filter?: AnswerFilter | undefined;
}

/** What an attempt does with its answer besides delivering it. */
export interface AnswerHooks {
  /** Completes the terminal of the answer: figures, cost, attempts. */
  readonly close: (completed: Completed) => void;
  /** Hears once of the first content, or of the end of an answer without any, before the caller has any of it. */
  readonly onContent?: (() => void) | undefined;
}

/** Bounds of what is held back. */
export interface DeliveryLimits {
  readonly startupEvents: number;
  readonly startupBytes: number;
  /** Most of an answer that is held until it is whole. */
  readonly upstreamResponseBytes: number;
}

/** Adds to an answer's first event what only the gateway knows. */
export function completeStarted(started: Started, facts: AnswerFacts): void {
  const servedModel = started.origin?.servedModel;
  started.id = facts.requestId;
  started.attempt = facts.attempt;
  started.createdAt = timestampFromMs(facts.createdAtMs);
  started.origin = facts.origin;
  if (servedModel !== undefined) started.origin.servedModel = servedModel;
  started.adaptations = [...facts.adaptations, ...started.adaptations];
}

/** The last event of an answer that is not complete; `charged` is the attempt whose figures it tells. */
export function failed(
  error: GatewayError,
  attempts: readonly Attempt[],
  charged: Attempt | undefined,
  trace: Trace | undefined,
): StreamEvent {
  const { usage, cost } = charged ?? {};
  const value = create(FailedSchema, {
    error,
    attempts: [...attempts],
    ...(usage ? { usage } : {}),
    ...(cost ? { cost } : {}),
    ...(trace ? { trace } : {}),
  });
  return create(StreamEventSchema, { event: { case: "failed", value } });
}

/** The last events of an answer of one open text whose output limit is used up, as the provider would have ended it. */
export function endedByLimit(block: number, text: string, completed: Completed): StreamEvent[] {
  return [
    blockFinished(0, block, textPart(text)),
    candidateFinished(0, FinishReason.MAX_TOKENS, ""),
    create(StreamEventSchema, { event: { case: "completed", value: completed } }),
  ];
}
