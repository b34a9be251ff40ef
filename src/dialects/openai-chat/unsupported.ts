import { Role, type ChatRequest, type Message, type Part } from "../../contract/index.ts";
import type { DialectTarget, UnsupportedField } from "../dialect.ts";
import { isSpoken } from "./encode-assistant.ts";
import { DIALECT_ID, Unsupported } from "./encode-context.ts";
import { findUnsupportedOutput } from "./encode-output.ts";
import { findUnsupportedMedia } from "./encode-parts.ts";
import { findUnsupportedReasoning } from "./encode-reasoning.ts";
import { findUnsupportedSampling } from "./encode-sampling.ts";
import { findUnsupportedTools } from "./encode-tools.ts";
import { rulesOf, type TargetRules } from "./target-rules.ts";
import { Support } from "../../contract/index.ts";

type Kind = NonNullable<Part["kind"]["case"]>;

// Which parts may stand in whose message on this wire.
const PARTS_OF: Readonly<Record<number, ReadonlySet<Kind>>> = {
  [Role.SYSTEM]: new Set<Kind>(["text", "searchResult"]),
  [Role.DEVELOPER]: new Set<Kind>(["text", "searchResult"]),
  [Role.USER]: new Set<Kind>(["text", "media", "toolResult", "searchResult", "opaque"]),
  [Role.ASSISTANT]: new Set<Kind>(["text", "refusal", "reasoning", "toolCall", "toolResult", "media", "opaque"]),
  [Role.TOOL]: new Set<Kind>(["toolResult"]),
};

const PARTS_OF_RESULTS: ReadonlySet<Kind> = new Set<Kind>(["text", "media", "searchResult"]);

/** The binding fields of a request that the target cannot honour in this wire format. Empty: it can. */
export function unsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[] {
  const rules = rulesOf(target.facts);
  const found = new Unsupported();
  findUnsupportedTools(request, rules, found);
  findUnsupportedSampling(request, rules, found);
  findUnsupportedOutput(request, rules, found);
  findUnsupportedReasoning(request, rules, found);
  const last = request.messages.length - 1;
  for (let index = 0; index <= last; index++) {
    const message = request.messages[index]!;
    for (let place = 0; place < message.parts.length; place++) {
      const part = message.parts[place]!;
      // Nearly all of most conversations: text has a place in every message but a tool's.
      if (part.kind.case === "text" && message.role !== Role.TOOL) continue;
      findUnsupportedPart(message, part, `messages[${index}].parts[${place}]`, target, rules, found);
    }
    if (message.prefill === true) {
      findUnsupportedPrefill(message, `messages[${index}].prefill`, index === last, rules, found);
    }
    if (message.role === Role.SYSTEM || message.role === Role.DEVELOPER) {
      const refusal = rules.refusal("messages.role", "system_messages");
      if (refusal) found.capability(`messages[${index}].role`, refusal.reason);
    }
  }
  return found.list;
}

function findUnsupportedPart(
  message: Message,
  part: Part,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: Unsupported,
): void {
  const { kind } = part;
  // A part of nothing but state is sent or left out with an adaptation.
  if (kind.case === undefined) return;
  if (!PARTS_OF[message.role]?.has(kind.case)) {
    found.parameter(field, "the wire format has no such part in a message of this role");
    return;
  }
  switch (kind.case) {
    case "media":
      if (message.role === Role.USER) findUnsupportedMedia(kind.value, field, target, rules, found);
      else findUnsupportedAnswerMedia(message, part, field, target, found);
      return;
    case "toolResult":
      for (const [index, piece] of kind.value.content.entries()) {
        findUnsupportedResult(piece, `${field}.tool_result.content[${index}]`, target, rules, found);
      }
      return;
    case "opaque":
      if (message.role === Role.USER && kind.value.origin?.dialect !== DIALECT_ID) {
        found.parameter(`${field}.opaque`, `the block is not in the words of ${DIALECT_ID}`);
      }
      return;
    default:
      return;
  }
}

function findUnsupportedResult(
  piece: Part,
  field: string,
  target: DialectTarget,
  rules: TargetRules,
  found: Unsupported,
): void {
  if (piece.kind.case === "media") findUnsupportedMedia(piece.kind.value, field, target, rules, found);
  else if (piece.kind.case !== undefined && !PARTS_OF_RESULTS.has(piece.kind.case)) {
    found.parameter(field, "the wire format has no such part in the result of a tool");
  }
}

function findUnsupportedAnswerMedia(
  message: Message,
  part: Part,
  field: string,
  target: DialectTarget,
  found: Unsupported,
): void {
  if (!isSpoken(part)) found.capability(`${field}.media`, "the wire format has no media in messages of the assistant");
  else if (message.origin && message.origin.provider !== target.provider) {
    found.parameter(`${field}.media.generated_id`, `the sound is stored at ${message.origin.provider}`);
  }
}

function findUnsupportedPrefill(
  message: Message,
  field: string,
  isLast: boolean,
  rules: TargetRules,
  found: Unsupported,
): void {
  if (!isLast || message.role !== Role.ASSISTANT) {
    found.parameter(field, "only the last message can be continued, and only the assistant's");
    return;
  }
  const refusal = rules.refusal("messages.prefill", "prefill");
  if (refusal) found.capability(field, refusal.reason);
  else if (rules.settings.prefill === "none" && rules.facts.capabilities.prefill !== Support.NATIVE) {
    found.capability(field, "the wire format cannot ask the model to continue a message");
  }
}
