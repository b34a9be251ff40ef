import {
  Executor,
  Role,
  type ChatRequest,
  type Message,
  type OpaquePart,
  type Part,
  type ToolCallPart,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { objectOf } from "../json-field.ts";
import { RawJson, rawObject } from "../json-text.ts";
import { notPortableTo } from "../origin-rules.ts";
import { DIALECT_ID, type EncodeContext, type WireObject } from "./encode-context.ts";
import { tellOfMark, wireContentPart, wireMedia } from "./encode-parts.ts";
import {
  PART_FORMAT,
  SIGNATURE_FORMAT,
  SIGNATURE_STAND_IN,
  isFrom,
  ownState,
  stripForeignState,
} from "./provider-state.ts";

// Blocks of an answer that tell about it and are no parts of the conversation.
const ANSWER_METADATA: ReadonlySet<string> = new Set(["groundingMetadata", "urlContextMetadata"]);

/** Where the current turn begins: after the last message in which the user says something. */
export function currentTurnStart({ messages }: ChatRequest): number {
  return messages.findLastIndex(
    ({ role, parts }) => role === Role.USER && parts.some(({ kind }) => kind.case !== "toolResult"),
  );
}

/** The parts of an earlier turn of the model. `isCurrent`: it belongs to the turn that the request goes on with. */
export function encodeAssistant(
  context: EncodeContext,
  message: Message,
  field: string,
  isCurrent: boolean,
): unknown[] {
  const parts: unknown[] = [];
  let needsSignature = isCurrent && context.rules.settings.signature_check;
  for (const [index, part] of message.parts.entries()) {
    const path = `${field}.parts[${index}]`;
    stripForeignState(context, part, path);
    tellOfMark(part, path, context);
    const { cacheBreakpoint: _, ...unmarked } = part;
    const wire = wirePart(context, message, unmarked, path);
    if (wire === undefined) continue;
    if (needsSignature && !(wire instanceof RawJson) && wire["functionCall"] !== undefined) {
      needsSignature = false;
      if (wire["thoughtSignature"] === undefined) standIn(context, wire, path);
    }
    parts.push(wire);
  }
  return parts;
}

// Only the first call of a step carries a signature; without one the service refuses the request.
function standIn({ rules, adaptations }: EncodeContext, wire: WireObject, path: string): void {
  wire["thoughtSignature"] = SIGNATURE_STAND_IN;
  const reason =
    "STATE_MISSING: the model wants the signature of its call, which is not there; the documented stand-in is sent";
  adaptations.addPart(`${path}.state`, SIGNATURE_STAND_IN, reason, rules.quirkOf.get("signature_check"));
}

function wirePart(
  context: EncodeContext,
  message: Message,
  part: Part,
  path: string,
): WireObject | RawJson | undefined {
  const { kind } = part;
  const { target, adaptations } = context;
  const thoughtSignature = ownState(part, SIGNATURE_FORMAT, target);
  switch (kind.case) {
    case undefined:
      return thoughtSignature === undefined ? undefined : { text: "", thoughtSignature };
    case "text":
      if (kind.value.text === "" && thoughtSignature === undefined) return undefined;
      return { text: kind.value.text, thoughtSignature };
    case "refusal":
      adaptations.addPart(path, undefined, "the wire format has no refusals; it is sent as text");
      return { text: kind.value.text };
    case "reasoning":
      return wireReasoning(context, message, part, path, thoughtSignature);
    case "toolCall":
      return kind.value.executor === Executor.PROVIDER
        ? ranByProvider(context, message, part, path)
        : wireCall(context, kind.value, path, thoughtSignature);
    case "toolResult":
      return ranByProvider(context, message, part, path);
    case "media":
      return { ...wireMedia(kind.value, path, context), thoughtSignature };
    case "opaque":
      return wireOpaque(context, kind.value, path);
    default:
      return wireContentPart(part, path, context) as WireObject | undefined;
  }
}

function wireReasoning(
  context: EncodeContext,
  message: Message,
  part: Part,
  path: string,
  thoughtSignature: string | undefined,
): WireObject | undefined {
  if (part.kind.case !== "reasoning") return undefined;
  const { text, summary } = part.kind.value;
  const thought = [...text, ...summary].join("");
  if (thoughtSignature === undefined && !isFrom(message.origin, context.target)) {
    if (thought !== "") {
      context.adaptations.addPart(path, undefined, notPortableTo("reasoning", message.origin, context.target));
    }
    return undefined;
  }
  if (thoughtSignature === undefined && thought === "") return undefined;
  return { text: thought, thought: true, thoughtSignature };
}

function wireCall(
  context: EncodeContext,
  call: ToolCallPart,
  path: string,
  thoughtSignature: string | undefined,
): WireObject {
  const { callId, name, input } = call;
  const id = context.rules.settings.call_ids ? callId : undefined;
  if (input.case === "text") {
    const reason = "the wire format has no calls with free text; it is sent as the argument input";
    context.adaptations.addPart(`${path}.tool_call.text`, undefined, reason);
    return { functionCall: { id, name, args: { input: input.value } }, thoughtSignature };
  }
  const text = input.value ?? "";
  const args = text === "" ? new RawJson("{}") : rawObject(text);
  if (!args) {
    const field = `${path}.tool_call.arguments_json`;
    throw new ParleyError(
      "INVALID_REQUEST",
      `Cannot send ${field}: the provider takes arguments as a JSON object only`,
      {
        field,
      },
    );
  }
  return { functionCall: { id, name, args }, thoughtSignature };
}

// Calls and results of tools that the provider ran go back word for word, and to their maker only.
function ranByProvider(context: EncodeContext, message: Message, part: Part, path: string): RawJson | undefined {
  const json = ownState(part, PART_FORMAT, context.target);
  if (json !== undefined) return objectOf(json, `${path}.state`);
  const what = "a step of a tool that the provider ran";
  context.adaptations.addPart(
    path,
    undefined,
    notPortableTo(what, part.state[0]?.origin ?? message.origin, context.target),
  );
  return undefined;
}

function wireOpaque(context: EncodeContext, opaque: OpaquePart, path: string): RawJson | undefined {
  const { origin, nativeType, json } = opaque;
  if (origin?.dialect === DIALECT_ID && ANSWER_METADATA.has(nativeType)) return undefined;
  if (isFrom(origin, context.target)) return objectOf(json, `${path}.opaque.json`);
  context.adaptations.addPart(path, undefined, notPortableTo("a block", origin, context.target));
  return undefined;
}
