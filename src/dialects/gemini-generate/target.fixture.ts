import type { ModelFacts, Quirk } from "../../catalog/facts.ts";
import { EventGrammar, fold, type ChatResponse, type StreamEvent } from "../../contract/index.ts";
import { ParleyError, reasonName } from "../../errors/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { geminiGenerate } from "./index.ts";

/** A target for tests; `settings` become a quirk of it. */
export function targetWith(
  settings: NonNullable<Quirk["settings"]> = {},
  facts: Partial<ModelFacts> = {},
  rejects: readonly string[] = [],
): DialectTarget {
  const quirk: Quirk = {
    id: "T1",
    summary: "the test says no",
    settings,
    rejects,
    source: "test",
    checkedOn: "2026-11-20",
  };
  return {
    provider: "house",
    model: "m1",
    region: undefined,
    facts: { capabilities: {}, ...facts, quirks: [quirk, ...(facts.quirks ?? [])] },
  };
}

/** Options with ids that count up. */
export function countingIds(): DecodeOptions {
  let count = 0;
  return { newId: (prefix) => `${prefix}_${(count += 1)}` };
}

/** The events of a stream (objects are written as JSON), checked against the grammar of events. */
export function streamEvents(
  answers: readonly unknown[],
  target: DialectTarget = targetWith(),
  options: DecodeOptions = countingIds(),
): StreamEvent[] {
  const events: StreamEvent[] = [];
  const decoder = geminiGenerate.streamDecoder(target, options);
  for (const one of answers) decoder.push(typeof one === "string" ? one : JSON.stringify(one), events);
  decoder.end(events);
  return checked(events);
}

/** The whole answer of a stream. */
export function foldStream(answers: readonly unknown[], target?: DialectTarget, options?: DecodeOptions): ChatResponse {
  return fold(streamEvents(answers, target, options));
}

/** The whole answer of a body. */
export function foldBody(body: unknown, target: DialectTarget = targetWith(), options = countingIds()): ChatResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fold(checked(geminiGenerate.decodeResponse(text, target, options)));
}

function checked(events: StreamEvent[]): StreamEvent[] {
  const grammar = new EventGrammar();
  for (const event of events) {
    const breach = grammar.check(event);
    if (breach !== undefined) throw new Error(`events out of order: ${breach}`);
  }
  return events;
}

/** An event that adds parts to one candidate. */
export function piece(parts: unknown[], finishReason?: string, more: object = {}): Record<string, unknown> {
  const candidate = { content: { role: "model", parts }, ...(finishReason ? { finishReason } : {}), ...more };
  return { candidates: [candidate], modelVersion: "m1-001", responseId: "r1" };
}

/** The reason of the typed error that `run` throws, or what happened instead. */
export function reasonThrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof ParleyError ? reasonName(error.reason) : `not typed: ${String(error)}`;
  }
  return "nothing thrown";
}
