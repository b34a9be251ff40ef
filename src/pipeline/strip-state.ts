import { create } from "@bufbuild/protobuf";
import { AdaptationSchema, type Adaptation, type ChatRequest, type Part } from "../contract/index.ts";

/** Whether a request carries provider state of earlier turns. */
export function carriesState(request: ChatRequest): boolean {
  return request.messages.some(({ parts }) => parts.some(hasState));
}

/** The request without the provider state of earlier turns; what was said stays. */
export function withoutState(request: ChatRequest): ChatRequest {
  const messages = request.messages.map((message) =>
    message.parts.some(hasState) ? { ...message, parts: message.parts.flatMap(stripped) } : message,
  );
  return { ...request, messages };
}

/** What tells the caller that state was left out because its own provider refused it. */
export function strippedState(): Adaptation {
  return create(AdaptationSchema, {
    field: "messages.parts.state",
    reason: "STATE_INVALID: the provider refused the state of earlier turns; the conversation was sent without it",
  });
}

function hasState(part: Part): boolean {
  return part.state.length > 0 || (part.kind.case === "text" && part.kind.value.citations.some(isStateful));
}

function isStateful({ state }: { readonly state: readonly unknown[] }): boolean {
  return state.length > 0;
}

function stripped(part: Part): Part[] {
  if (!hasState(part)) return [part];
  const { kind } = part;
  if (kind.case !== "text") return [{ ...part, state: [] }];
  // A text may be empty only beside state.
  if (kind.value.text === "") return [];
  const citations = kind.value.citations.map((citation) => ({ ...citation, state: [] }));
  return [{ ...part, state: [], kind: { case: "text", value: { ...kind.value, citations } } }];
}
