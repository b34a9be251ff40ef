import type { Content, GenerateContentRequest, Part } from "../../dialects/gemini-generate/wire.ts";
import { isSealOf } from "../seal.ts";
import { refuse } from "./errors.ts";
import { DATA_MEMBERS } from "./parameters.ts";

// Rules about turns that no shape tells. Source: https://ai.google.dev/api/generate-content,
// https://ai.google.dev/gemini-api/docs/function-calling, and https://ai.google.dev/gemini-api/docs/thought-signatures.

// What the documentation tells to send where a signature is not at hand.
const STAND_INS = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

/** The parts of a turn. */
export function partsOf({ parts }: Content): readonly Part[] {
  return parts ?? [];
}

/** What a part's signature is the seal of: a call is signed with its name and arguments. */
export function signedContent({ functionCall }: Part): string {
  return functionCall ? `call ${functionCall.name ?? ""} ${canonical(functionCall.args ?? {})}` : "text";
}

/** Refuses conversations that the API would refuse. `signsCalls`: whether the model wants its signatures back. */
export function checkMessages({ contents }: GenerateContentRequest, signsCalls: boolean): void {
  if (contents.length === 0) refuse("* GenerateContentRequest.contents: contents is not specified\n");
  contents.forEach((content, index) => checkTurn(content, index));
  checkFunctionTurns(contents);
  if (signsCalls) checkCurrentTurn(contents);
}

function checkTurn(content: Content, index: number): void {
  const role = content.role ?? "user";
  if (role !== "user" && role !== "model" && role !== "function") refuse("Please use a valid role: user, model.");
  const path = `* GenerateContentRequest.contents[${index}].parts`;
  const parts = partsOf(content);
  if (parts.length === 0) refuse(`${path}: contents.parts must not be empty.\n`);
  parts.forEach((part, at) => {
    const data = DATA_MEMBERS.filter((name) => part[name] !== undefined && part[name] !== null);
    if (data.length === 0 && !part.thoughtSignature) {
      refuse(`${path}[${at}].data: required oneof field 'data' must have one initialized field\n`);
    }
    if (data.length > 1) {
      refuse(`Invalid value at 'contents[${index}].parts[${at}]' (oneof), oneof field 'data' is already set.`);
    }
    const { thoughtSignature: signature } = part;
    if (signature && !STAND_INS.includes(signature) && !isSealOf(signature, signedContent(part))) {
      refuse("Thought signature is not valid.");
    }
  });
}

function checkFunctionTurns(contents: readonly Content[]): void {
  contents.forEach((content, index) => {
    const calls = callsOf(content).length;
    const next = contents[index + 1];
    const results = next ? resultsOf(next).length : 0;
    if (calls > 0 && index > 0 && contents[index - 1]?.role === "model") {
      refuse(
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      );
    }
    if (next && calls !== results) {
      refuse(
        "Please ensure that the number of function response parts is equal to the number of function call parts of " +
          "the function call turn.",
      );
    }
  });
  if (resultsOf(contents[0]!).length > 0) {
    refuse("Please ensure that function response turn comes immediately after a function call turn.");
  }
}

// Of the calls since the user spoke last, the first one of each step carries its signature.
function checkCurrentTurn(contents: readonly Content[]): void {
  const spoke = contents.findLastIndex((content) => content.role !== "model" && resultsOf(content).length === 0);
  contents.slice(spoke + 1).forEach((content, offset) => {
    const [first] = callsOf(content);
    if (!first || first.thoughtSignature) return;
    const call = `function call \`default_api:${first.functionCall?.name ?? ""}\``;
    refuse(
      "Function call is missing a thought_signature in functionCall parts. This is required for tools to work " +
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, " +
        `${call} , position ${spoke + 2 + offset}. Please refer to ` +
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
    );
  });
}

/** The calls of a turn. */
function callsOf(content: Content): Part[] {
  return partsOf(content).filter((part) => part.functionCall);
}

/** The results of a turn. */
export function resultsOf(content: Content): Part[] {
  return partsOf(content).filter((part) => part.functionResponse);
}

// The order of members says nothing in this format, whose objects are maps.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const entries = Object.entries(member).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(entries);
  });
}
