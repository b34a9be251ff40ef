import { expect } from "vitest";
import { fold, type Part } from "../../contract/index.ts";
import { encodeResponse } from "./encode-response.ts";
import { openAiSpec } from "./openai-spec.ts";
import { wholeEvents, type ScriptedAnswer } from "./answers.fixture.ts";

// What the tests of encoding share. Only tests import it.

/** An object of JSON. */
export type Json = Record<string, unknown>;
/** A choice of an answer. */
export type Choice = { index: number; message: Json; logprobs: Json | null; finish_reason: string };

/** An answer as it is sent; checked against OpenAI's schema. */
export function encode(candidates: readonly ScriptedAnswer[], legacyFunctions = false): Json & { choices: Choice[] } {
  const encoded = encodeResponse(fold(wholeEvents("req_1", candidates)), { legacyFunctions, nowSeconds: 1 });
  // What leaves is text: undefined members and the like are judged as they arrive.
  const sent = JSON.parse(JSON.stringify(encoded)) as Json & { choices: Choice[] };
  expect(openAiSpec?.check("CreateChatCompletionResponse", sent) ?? []).toEqual([]);
  return sent;
}

/** The message that these parts become. */
export function messageOf(...parts: Part[]): Json {
  return encode([{ parts }]).choices[0]!.message;
}
