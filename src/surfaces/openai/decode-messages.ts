import { create } from "@bufbuild/protobuf";
import { PartSchema, Role, refusalPart, toolCallPart, type Message, type Part } from "../../contract/index.ts";
import { TEXT_AND_MEDIA, MODEL_CONTENT, TEXT_ONLY, cacheMark, decodeContent } from "./decode-content.ts";
import { decodeAudioReference, decodeImage } from "./decode-media.ts";
import { attachState, decodeReasoning } from "./decode-reasoning.ts";
import {
  arrayAt,
  checkMembers,
  fieldNames,
  invalidField,
  isSet,
  notOneOf,
  objectAt,
  optionalArray,
  optionalBoolean,
  optionalCount,
  optionalObject,
  optionalString,
  pathTo,
  requiredString,
  type JsonObject,
} from "./fields.ts";

const PLAIN_FIELDS = fieldNames("role content name cache_control");
const ASSISTANT_FIELDS = fieldNames(
  "role content name refusal audio tool_calls function_call prefix cache_control images",
  "reasoning_content reasoning reasoning_details",
  // Clients send answers back as they got them: citations mean nothing in a request, and `parsed` is what OpenAI's own
  // client made of the content.
  "annotations parsed",
);
const TOOL_FIELDS = fieldNames("role content tool_call_id name cache_control");
const FUNCTION_FIELDS = fieldNames("role content name");

/** Decodes `messages`, oldest first. */
export function decodeMessages(value: unknown): Message[] {
  const list = arrayAt(value, "messages");
  if (list.length === 0) throw invalidField("messages", "it is empty; send at least one message");
  const legacyCalls = new LegacyCalls();
  return list.map((one, index) =>
    decodeMessage(objectAt(one, `messages[${index}]`), `messages[${index}]`, legacyCalls),
  );
}

function decodeMessage(given: JsonObject, path: string, legacyCalls: LegacyCalls): Message {
  const role = requiredString(given, "role", path);
  switch (role) {
    case "system":
      return plainMessage(Role.SYSTEM, given, path);
    case "developer":
      return plainMessage(Role.DEVELOPER, given, path);
    case "user":
      return plainMessage(Role.USER, given, path);
    case "assistant":
      return assistantMessage(given, path, legacyCalls);
    case "tool":
      return toolMessage(given, path);
    case "function":
      return functionMessage(given, path, legacyCalls);
    default:
      throw notOneOf(pathTo(path, "role"), ["system", "developer", "user", "assistant", "tool", "function"]);
  }
}

function plainMessage(role: Role, given: JsonObject, path: string): Message {
  checkMembers(given, PLAIN_FIELDS, path);
  const types = role === Role.USER ? TEXT_AND_MEDIA : TEXT_ONLY;
  return messageOf(role, decodeContent(given["content"], pathTo(path, "content"), types), given, path);
}

function messageOf(role: Role, parts: Part[], given: JsonObject, path: string): Message {
  const message: Message = { $typeName: "parley.v1.Message", role, parts };
  const name = optionalString(given, "name", path);
  if (name !== undefined) message.name = name;
  const mark = cacheMark(given, path);
  const last = parts.at(-1);
  if (mark && !last) throw invalidField(pathTo(path, "cache_control"), "the message has no content to cache");
  if (mark && last) last.cacheBreakpoint = mark;
  return message;
}

// chat.completions keeps no order between the members of a message; reasoning came before the text, calls after it.
function assistantMessage(given: JsonObject, path: string, legacyCalls: LegacyCalls): Message {
  checkMembers(given, ASSISTANT_FIELDS, path);
  const calls = toolCalls(given, path, legacyCalls);
  const reasoning = decodeReasoning(given, path, new Set(calls.map(callIdOf)));
  const parts: Part[] = [...reasoning.parts];
  const content = given["content"];
  if (isSet(content)) parts.push(...decodeContent(content, pathTo(path, "content"), MODEL_CONTENT));
  const refusal = optionalString(given, "refusal", path);
  if (refusal !== undefined && refusal !== "") parts.push(refusalPart(refusal));
  if (isSet(given["audio"])) parts.push(decodeAudioReference(given["audio"], pathTo(path, "audio")));
  parts.push(...images(given, path), ...calls);
  attachState(parts, reasoning.attached, path);
  const message = messageOf(Role.ASSISTANT, parts, given, path);
  if (optionalBoolean(given, "prefix", path) === true) message.prefill = true;
  return message;
}

const IMAGE_PART_FIELDS = new Set(["type", "image_url", "index"]);

// Generated images come back in the shape in which this surface and OpenRouter send them.
function images(given: JsonObject, path: string): Part[] {
  const list = optionalArray(given, "images", path) ?? [];
  return list.map((value, index) => {
    const at = `${pathTo(path, "images")}[${index}]`;
    const image = objectAt(value, at);
    checkMembers(image, IMAGE_PART_FIELDS, at);
    return decodeImage(image, at);
  });
}

function toolCalls(given: JsonObject, path: string, legacyCalls: LegacyCalls): Part[] {
  const list = optionalArray(given, "tool_calls", path) ?? [];
  const calls = list.map((value, index) => toolCall(value, `${pathTo(path, "tool_calls")}[${index}]`));
  const legacy = optionalObject(given, "function_call", path);
  const [first] = calls;
  if (legacy && !first) calls.push(legacyCalls.call(legacy, pathTo(path, "function_call")));
  // An answer in the legacy shape with several calls has its first one in both members.
  if (legacy && first) legacyCalls.remember(first);
  return calls;
}

// `index` is left in by clients that put calls together from a stream, `parsed_arguments` by OpenAI's own client.
const CALL_FIELDS = new Set(["id", "type", "function", "custom", "index", "cache_control"]);
const FUNCTION_CALL_FIELDS = new Set(["name", "arguments", "parsed_arguments"]);
const CUSTOM_CALL_FIELDS = new Set(["name", "input"]);

function toolCall(value: unknown, path: string): Part {
  const given = objectAt(value, path);
  const part = callOf(given, path);
  const mark = cacheMark(given, path);
  if (mark) part.cacheBreakpoint = mark;
  return part;
}

function callOf(given: JsonObject, path: string): Part {
  checkMembers(given, CALL_FIELDS, path);
  const id = requiredString(given, "id", path);
  optionalCount(given, "index", path);
  const type = optionalString(given, "type", path) ?? "function";
  if (type === "custom")
    return customCall(id, objectAt(given["custom"], pathTo(path, "custom")), pathTo(path, "custom"));
  if (type !== "function") throw notOneOf(pathTo(path, "type"), ["function", "custom"]);
  const at = pathTo(path, "function");
  const call = objectAt(given["function"], at);
  checkMembers(call, FUNCTION_CALL_FIELDS, at);
  return toolCallPart(id, requiredString(call, "name", at), requiredString(call, "arguments", at));
}

function customCall(callId: string, given: JsonObject, path: string): Part {
  checkMembers(given, CUSTOM_CALL_FIELDS, path);
  const name = requiredString(given, "name", path);
  const input = { case: "text", value: requiredString(given, "input", path) } as const;
  return create(PartSchema, { kind: { case: "toolCall", value: { callId, name, input } } });
}

function callIdOf(part: Part): string {
  return part.kind.case === "toolCall" ? part.kind.value.callId : "";
}

function toolMessage(given: JsonObject, path: string): Message {
  checkMembers(given, TOOL_FIELDS, path);
  const callId = requiredString(given, "tool_call_id", path);
  const content = decodeContent(given["content"], pathTo(path, "content"), TEXT_AND_MEDIA);
  const name = optionalString(given, "name", path);
  return resultMessage(callId, name, content, given, path);
}

function functionMessage(given: JsonObject, path: string, legacyCalls: LegacyCalls): Message {
  checkMembers(given, FUNCTION_FIELDS, path);
  const name = requiredString(given, "name", path);
  const content = isSet(given["content"]) ? decodeContent(given["content"], pathTo(path, "content"), TEXT_ONLY) : [];
  return resultMessage(legacyCalls.idOfResult(name, path), name, content, given, path);
}

function resultMessage(
  callId: string,
  name: string | undefined,
  content: Part[],
  given: JsonObject,
  path: string,
): Message {
  const part = create(PartSchema, {
    kind: { case: "toolResult", value: { callId, content, ...(name === undefined ? {} : { name }) } },
  });
  const message = messageOf(Role.TOOL, [part], given, path);
  delete message.name; // it is the tool's, not a participant's
  return message;
}

/** Ids for calls of the deprecated `function_call`, which have none: a result answers the last call of its name. */
class LegacyCalls {
  readonly #unanswered = new Map<string, string>();
  #count = 0;

  call(given: JsonObject, path: string): Part {
    checkMembers(given, FUNCTION_CALL_FIELDS, path);
    const name = requiredString(given, "name", path);
    const part = toolCallPart(`call_legacy_${this.#count++}`, name, requiredString(given, "arguments", path));
    this.remember(part);
    return part;
  }

  remember(part: Part): void {
    if (part.kind.case === "toolCall") this.#unanswered.set(part.kind.value.name, part.kind.value.callId);
  }

  idOfResult(name: string, path: string): string {
    const callId = this.#unanswered.get(name);
    if (callId === undefined) throw invalidField(path, "no earlier assistant message calls a function of this name");
    this.#unanswered.delete(name);
    return callId;
  }
}
