import { describe, expect, test } from "vitest";
import type { ChatRequest } from "../src/contract/index.ts";
import { anthropicMessages } from "../src/dialects/anthropic-messages/index.ts";
import type { Dialect, DialectTarget } from "../src/dialects/dialect.ts";
import { wordSet } from "../src/dialects/drift.ts";
import { geminiGenerate } from "../src/dialects/gemini-generate/index.ts";
import { openaiChat } from "../src/dialects/openai-chat/index.ts";
import { openaiResponses } from "../src/dialects/openai-responses/index.ts";
import { ParleyError } from "../src/errors/index.ts";
import { requestFacts, type RequestFact } from "./support/request-facts.ts";

// Nothing that a caller says is lost in silence: each field of a request changes what is sent, or the reply tells that it
// did not, or the target is not asked at all.
const DIALECTS: readonly Dialect[] = [openaiChat, openaiResponses, anthropicMessages, geminiGenerate];

// What the gateway itself does with a request, whoever answers it.
const GATEWAYS = wordSet(`
  ChatRequest.model ChatRequest.delivery ChatRequest.on_disconnect ChatRequest.on_refusal ChatRequest.tags
  ChatRequest.explain
`);
const GATEWAYS_MESSAGES = wordSet("Routing Constraints");

// What answers tell and nobody asks for: it comes back with a conversation, and goes out where the format has a place.
const OF_ANSWERS = wordSet(`
  Message.origin Part.id TextPart.citations TextPart.logprobs TextPart.phase Origin.served_model Origin.region
  MediaPart.transcript MediaPart.generated_id MediaPart.expires_at
  ToolCallPart.arguments_invalid ToolCallPart.native_type ToolResultPart.native_type ToolResultPart.native_json
`);
const MESSAGES_OF_ANSWERS = wordSet("Citation TokenLogprob");

// What goes without being sent, and why.
const NOTHING_TO_SEND: Readonly<Record<string, string>> = {
  "NativeTool.type": "definition_json says it",
  "OpaquePart.native_type": "json says it",
  "ToolResultPart.name": "the call that it answers says it",
  "ToolResultPart.executor": "the call that it answers says it",
  "MediaPart.modality": "mime_type says it",
  "MediaPart.mime_type of a file": "the provider knows its files",
  "OutputFormat.text": "it is what a model answers with unless told otherwise",
  "JsonSchemaFormat.name at gemini-generate": "the contract demands one, and the format has one schema only",
  "JsonSchemaFormat.strict at gemini-generate": "answers always keep to the schema",
  "Reasoning.enabled at gemini-generate": "models that take levels reason in any case",
};

interface Fate {
  /** What is sent, or why nothing is. */
  readonly sent: string;
  /** Whether something is not sent as it was asked for. */
  readonly isTold: boolean;
}

function fateOf(dialect: Dialect, request: ChatRequest, target: DialectTarget): Fate {
  const unsupported = dialect.unsupported(request, target);
  if (unsupported.length > 0) return { sent: JSON.stringify(unsupported), isTold: true };
  try {
    const encoded = dialect.encode(request, target, { stream: false });
    return { sent: JSON.stringify(encoded), isTold: encoded.adaptations.length > 0 };
  } catch (error) {
    if (error instanceof ParleyError) return { sent: error.message, isTold: true };
    throw error;
  }
}

const FACTS = { capabilities: {}, quirks: [] };
const TARGET: DialectTarget = { provider: "house", model: "m1", region: undefined, facts: FACTS };

function factsFor({ id }: Dialect): RequestFact[] {
  return requestFacts({ provider: "house", dialect: id, model: "m1" }, (type) => !GATEWAYS_MESSAGES.has(type));
}

// Where the message that holds a fact is told of as a whole, so is the fact.
function isLost(dialect: Dialect, { without, told }: RequestFact): boolean {
  const before = fateOf(dialect, without, TARGET);
  return !before.isTold && fateOf(dialect, told, TARGET).sent === before.sent;
}

/** The names under which a fact may be said to need no sending. */
function namesOf({ id }: Dialect, { field, place }: RequestFact): string[] {
  return [field, `${field} at ${id}`, place.replace(/^\w+/, field)];
}

describe.each(DIALECTS.map((dialect) => [dialect.id, dialect] as const))("%s", (id, dialect) => {
  const facts = factsFor(dialect);

  test(`${id} loses no fact of a request in silence`, () => {
    const lost = facts.filter((fact) => {
      const { field, place } = fact;
      const isOfAnswers = OF_ANSWERS.has(field) || MESSAGES_OF_ANSWERS.has(place);
      const hasReason = namesOf(dialect, fact).some((name) => name in NOTHING_TO_SEND);
      return !GATEWAYS.has(field) && !isOfAnswers && !hasReason && isLost(dialect, fact);
    });
    expect(lost.map(({ field, place }) => `${field} in ${place}`)).toEqual([]);
    expect(facts.length).toBeGreaterThan(150);
  });

  test(`${id} sends most facts, and tells of the others`, () => {
    const ends = facts.map(({ told }) => fateOf(dialect, told, TARGET).isTold);
    expect(ends.filter(Boolean).length).toBeGreaterThan(10);
    expect(ends.filter((isTold) => !isTold).length).toBeGreaterThan(60);
  });
});

test("what is said to need no sending is not sent by some dialect, or it would not have to be said", () => {
  const lost = new Set(
    DIALECTS.flatMap((dialect) =>
      factsFor(dialect)
        .filter((fact) => isLost(dialect, fact))
        .flatMap((fact) => namesOf(dialect, fact)),
    ),
  );
  const excused = [...Object.keys(NOTHING_TO_SEND), ...OF_ANSWERS, ...GATEWAYS];
  expect(excused.filter((name) => !lost.has(name))).toEqual([]);
});
