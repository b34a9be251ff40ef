import type { ModelFacts, Quirk } from "../../catalog/facts.ts";
import { EventGrammar, fold, type ChatResponse, type StreamEvent } from "../../contract/index.ts";
import { ParleyError, reasonName } from "../../errors/index.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { openaiResponses } from "./index.ts";

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
export function countingIds(unknown: string[] = []): DecodeOptions {
  let count = 0;
  return { newId: (prefix) => `${prefix}_${(count += 1)}`, onUnknown: (path) => unknown.push(path) };
}

/** The events of a stream (objects are written as JSON), checked against the grammar of events. */
export function streamEvents(
  events: readonly unknown[],
  target: DialectTarget = targetWith(),
  options: DecodeOptions = countingIds(),
): StreamEvent[] {
  const out: StreamEvent[] = [];
  const decoder = openaiResponses.streamDecoder(target, options);
  for (const one of events) decoder.push(typeof one === "string" ? one : JSON.stringify(one), out);
  decoder.end(out);
  return checked(out);
}

/** The whole answer of a stream. */
export function foldEvents(events: readonly unknown[], target?: DialectTarget, options?: DecodeOptions): ChatResponse {
  return fold(streamEvents(events, target, options));
}

/** The whole answer of a body. */
export function foldBody(body: unknown, target: DialectTarget = targetWith(), options = countingIds()): ChatResponse {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fold(checked(openaiResponses.decodeResponse(text, target, options)));
}

function checked(events: StreamEvent[]): StreamEvent[] {
  const grammar = new EventGrammar();
  for (const event of events) {
    const breach = grammar.check(event);
    if (breach !== undefined) throw new Error(`events out of order: ${breach}`);
  }
  return events;
}

/** A whole answer of these items. */
export function answerOf(output: readonly object[], more: object = {}): object {
  return { id: "resp_1", object: "response", model: "m1-2026", status: "completed", output, ...more };
}

/** A message of the model with these pieces of content. */
export function message(id: string, ...content: object[]): object {
  return { type: "message", id, status: "completed", role: "assistant", content };
}

/** A piece of text. */
export function said(text: string, annotations: object[] = []): object {
  return { type: "output_text", text, annotations };
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
