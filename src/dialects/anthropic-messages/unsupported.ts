import { Role, type ChatRequest, type Message, type OpaquePart, type Part } from "../../contract/index.ts";
import type { DialectTarget, UnsupportedField } from "../dialect.ts";
import { UnsupportedFields } from "../refusals.ts";
import { DIALECT_ID } from "./encode-context.ts";
import { findUnsupportedOutput } from "./encode-output.ts";
import { findUnsupportedMedia, findUnsupportedPassage } from "./encode-parts.ts";
import { findUnsupportedReasoning, reasoningState } from "./encode-reasoning.ts";
import { findUnsupportedSampling } from "./encode-sampling.ts";
import { findUnsupportedTools } from "./encode-tools.ts";
import { rulesOf, type TargetRules } from "./target-rules.ts";

type Kind = NonNullable<Part["kind"]["case"]>;

// Which parts may stand in whose message on this wire.
const PARTS_OF: Readonly<Record<number, ReadonlySet<Kind>>> = {
  [Role.SYSTEM]: new Set<Kind>(["text"]),
  [Role.DEVELOPER]: new Set<Kind>(["text"]),
  [Role.USER]: new Set<Kind>(["text", "media", "toolResult", "searchResult", "opaque"]),
  [Role.ASSISTANT]: new Set<Kind>(["text", "refusal", "reasoning", "toolCall", "toolResult", "opaque"]),
  [Role.TOOL]: new Set<Kind>(["toolResult"]),
};

const PARTS_OF_RESULTS: ReadonlySet<Kind> = new Set<Kind>(["text", "media", "searchResult", "opaque"]);

/** The binding fields of a request that the target cannot honour in this wire format. Empty: it can. */
export function unsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[] {
  const rules = rulesOf(target.facts);
  const found = new UnsupportedFields();
  findUnsupportedTools(request, rules, found);
  findUnsupportedSampling(request, rules, found);
  findUnsupportedOutput(request, rules, found);
  findUnsupportedReasoning(request, rules, found);
  const last = request.messages.length - 1;
  for (const [index, message] of request.messages.entries()) {
    const field = `messages[${index}]`;
    for (const [place, part] of message.parts.entries()) {
      findUnsupportedPart(message, part, `${field}.parts[${place}]`, target, rules, found);
    }
    if (message.prefill === true)
      findUnsupportedPrefill(request, message, `${field}.prefill`, index === last, rules, found);
    if (message.role === Role.SYSTEM || message.role === Role.DEVELOPER) {
      const refusal = rules.refusal("messages.role", "system_messages");
      if (refusal) found.capability(`${field}.role`, refusal.reason);
    }
  }
  return found.list;
}

function findUnsupportedPart(
  message: Message,
  { kind }: Part,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  // A part of nothing but state is sent or left out with an adaptation.
  if (kind.case === undefined) return;
  if (!PARTS_OF[message.role]?.has(kind.case)) {
    found.parameter(field, "the wire format has no such part in a message of this role");
    return;
  }
  if (kind.case === "toolResult" && message.role !== Role.ASSISTANT) {
    for (const [index, piece] of kind.value.content.entries()) {
      const path = `${field}.tool_result.content[${index}]`;
      if (piece.kind.case === undefined || PARTS_OF_RESULTS.has(piece.kind.case)) {
        findUnsupportedContent(piece, path, target, rules, found);
      } else found.parameter(path, "the wire format has no such part in the result of a tool");
    }
  } else if (message.role !== Role.ASSISTANT) findUnsupportedContent({ kind }, field, target, rules, found);
}

function findUnsupportedContent(
  { kind }: Pick<Part, "kind">,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  if (kind.case === "media") findUnsupportedMedia(kind.value, field, target, rules, found);
  else if (kind.case === "searchResult") findUnsupportedPassage(kind.value, field, found);
  else if (kind.case === "opaque" && !isSendable(kind.value, target)) {
    found.parameter(
      `${field}.opaque`,
      `the block is not in the words of ${DIALECT_ID}, or belongs to another provider`,
    );
  }
}

// What a caller writes in the provider's words need not tell the provider; what it tells must be right.
function isSendable({ origin }: OpaquePart, target: DialectTarget): boolean {
  if (origin?.dialect !== DIALECT_ID) return false;
  return origin.provider === "" || origin.provider === target.provider;
}

function findUnsupportedPrefill(
  request: ChatRequest,
  message: Message,
  field: string,
  isLast: boolean,
  rules: TargetRules,
  found: UnsupportedFields,
): void {
  if (!isLast || message.role !== Role.ASSISTANT) {
    found.parameter(field, "only the last message can be continued, and only the assistant's");
    return;
  }
  const refusal = rules.refusal("messages.prefill", "prefill");
  if (refusal || !rules.settings.prefill) {
    found.capability(field, refusal?.reason ?? "the model does not continue a message");
  } else if (reasoningState(request) === "on") {
    found.parameter(field, "the model does not continue a message while it reasons; switch reasoning off");
  } else if (request.output?.format.case === "jsonSchema") {
    found.parameter(field, "the model does not continue a message whose shape is given");
  }
}
