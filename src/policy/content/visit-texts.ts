import type { ChatRequest, Message, Part, Tool } from "../../contract/index.ts";
import type { TextKind } from "./text-stream.ts";

/** Sees each text with the path of its field, and returns what stands there from now on. */
export type VisitText = (text: string, field: string, kind: TextKind) => string;

/**
 * A part with its texts as `visit` returns them; the very same part where nothing changed. State is sealed over what was
 * said: where that changes, it is left out, and `onStateDropped` hears of it.
 */
export function visitPart(part: Part, field: string, visit: VisitText, onStateDropped: (field: string) => void): Part {
  const visited = kindOf(part.kind, field, visit, onStateDropped);
  if (visited === part.kind) return part;
  if (part.state.length > 0) onStateDropped(`${field}.state`);
  return { ...part, state: [], kind: visited };
}

/** The request with its texts as `visit` returns them; the very same request where nothing changed. */
export function visitRequest(
  request: ChatRequest,
  visit: VisitText,
  onStateDropped: (field: string) => void,
): ChatRequest {
  const parts = (list: readonly Part[], field: string): Part[] =>
    changed(list, (part, index) => visitPart(part, `${field}[${index}]`, visit, onStateDropped));
  const messages = changed(request.messages, (message, index): Message => {
    const visited = parts(message.parts, `messages[${index}].parts`);
    return visited === message.parts ? message : { ...message, parts: visited };
  });
  const prediction = parts(request.prediction, "prediction");
  const tools = changed(request.tools, (tool, index) => toolOf(tool, `tools[${index}]`, visit));
  const rawParams = changed(request.rawParams, (raw, index) => {
    const json = visit(raw.json, `raw_params[${index}].json`, "json");
    return json === raw.json ? raw : { ...raw, json };
  });
  const isSame =
    messages === request.messages &&
    prediction === request.prediction &&
    tools === request.tools &&
    rawParams === request.rawParams;
  return isSame ? request : { ...request, messages, prediction, tools, rawParams };
}

/** The list with each element as `map` returns it; the very same list where none changed. */
function changed<T>(list: T[] | readonly T[], map: (one: T, index: number) => T): T[] {
  let differs = false;
  const mapped = list.map((one, index) => {
    const other = map(one, index);
    differs ||= other !== one;
    return other;
  });
  return differs ? mapped : (list as T[]);
}

function toolOf(tool: Tool, field: string, visit: VisitText): Tool {
  const { kind } = tool;
  if ((kind.case !== "function" && kind.case !== "custom") || kind.value.description === undefined) return tool;
  const description = visit(kind.value.description, `${field}.${kind.case}.description`, "plain");
  if (description === kind.value.description) return tool;
  return { ...tool, kind: { case: kind.case, value: { ...kind.value, description } } as Tool["kind"] };
}

function kindOf(
  kind: Part["kind"],
  field: string,
  visit: VisitText,
  onStateDropped: (field: string) => void,
): Part["kind"] {
  const inner = (list: readonly Part[], name: string): Part[] =>
    changed(list, (part, index) => visitPart(part, `${field}.${name}[${index}]`, visit, onStateDropped));
  const texts = (list: readonly string[], name: string): string[] =>
    changed(list, (text, index) => visit(text, `${field}.${name}[${index}]`, "plain"));
  switch (kind.case) {
    case "text":
    case "refusal": {
      const text = visit(kind.value.text, `${field}.${kind.case}.text`, "plain");
      return text === kind.value.text ? kind : ({ case: kind.case, value: { ...kind.value, text } } as Part["kind"]);
    }
    case "reasoning": {
      const text = texts(kind.value.text, "reasoning.text");
      const summary = texts(kind.value.summary, "reasoning.summary");
      if (text === kind.value.text && summary === kind.value.summary) return kind;
      return { case: "reasoning", value: { ...kind.value, text, summary } };
    }
    case "toolCall": {
      const { input } = kind.value;
      if (input.case === undefined) return kind;
      const isJson = input.case === "argumentsJson";
      const name = isJson ? "arguments_json" : "text";
      const value = visit(input.value, `${field}.tool_call.${name}`, isJson ? "json" : "plain");
      if (value === input.value) return kind;
      return { case: "toolCall", value: { ...kind.value, input: { case: input.case, value } } };
    }
    case "toolResult": {
      const { nativeJson } = kind.value;
      const content = inner(kind.value.content, "tool_result.content");
      const json = nativeJson === undefined ? undefined : visit(nativeJson, `${field}.tool_result.native_json`, "json");
      if (content === kind.value.content && json === nativeJson) return kind;
      return {
        case: "toolResult",
        value: { ...kind.value, content, ...(json === undefined ? {} : { nativeJson: json }) },
      };
    }
    case "searchResult": {
      const title = visit(kind.value.title, `${field}.search_result.title`, "plain");
      const content = inner(kind.value.content, "search_result.content");
      if (title === kind.value.title && content === kind.value.content) return kind;
      return { case: "searchResult", value: { ...kind.value, title, content } };
    }
    case "media":
      return mediaOf(kind, field, visit);
    case "opaque": {
      const json = visit(kind.value.json, `${field}.opaque.json`, "json");
      return json === kind.value.json ? kind : { case: "opaque", value: { ...kind.value, json } };
    }
    default:
      return kind;
  }
}

/** What of a medium is text; its bytes and addresses are not read. */
function mediaOf(kind: Extract<Part["kind"], { case: "media" }>, field: string, visit: VisitText): Part["kind"] {
  const { source, title, transcript } = kind.value;
  const optional = (text: string | undefined, name: string): string | undefined =>
    text === undefined ? undefined : visit(text, `${field}.media.${name}`, "plain");
  const text = source.case === "text" ? optional(source.value, "text") : undefined;
  const visited = { title: optional(title, "title"), transcript: optional(transcript, "transcript") };
  const isSame =
    visited.title === title && visited.transcript === transcript && (source.case !== "text" || text === source.value);
  if (isSame) return kind;
  const value = { ...kind.value };
  if (visited.title !== undefined) value.title = visited.title;
  if (visited.transcript !== undefined) value.transcript = visited.transcript;
  if (text !== undefined) value.source = { case: "text", value: text };
  return { case: "media", value };
}
