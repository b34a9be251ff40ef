import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
  Effort,
  Executor,
  Modality,
  ReasoningVisibility,
  Role,
  ToolMode,
  type ChatRequest,
  type MessageSchema,
  type PartSchema,
  type ToolSchema,
} from "../../src/contract/index.ts";

// From a recorded request of the Responses API to the contract. It shares no code with the dialect, which is to write
// the same request again.

type Init<Schema extends Parameters<typeof create>[0]> = Exclude<MessageInitShape<Schema>, { $typeName: string }>;
type PartInit = Init<typeof PartSchema>;
type MessageInit = Init<typeof MessageSchema>;
type ToolInit = Init<typeof ToolSchema>;
type Raw = Readonly<Record<string, unknown>>;

const DIALECT = "openai-responses";

/** Who is asked: the origin of all state in the request. */
export interface Asked {
  readonly provider: string;
  readonly model: string;
}

/** The contract's request behind a recorded one. Throws where the decoder has no rule for something. */
export function chatRequestOf(body: Raw, asked: Asked): ChatRequest {
  const messages = conversationOf(body, asked);
  const [known, raw] = divide(body);
  const rawJson = { ...raw, ...finerReasoning(known["reasoning"]), ...includeOf(known["include"]) };
  return create(ChatRequestSchema, {
    model: `${asked.provider}/${asked.model}`,
    messages,
    tools: ((known["tools"] ?? []) as Raw[]).map(toolOf),
    ...toolChoiceOf(known),
    ...samplingOf(known),
    ...outputOf(known["text"] as Raw | undefined),
    ...reasoningOf(known["reasoning"] as Raw | undefined),
    ...(known["store"] === undefined ? {} : { store: known["store"] as boolean }),
    rawParams: Object.keys(rawJson).length > 0 ? [{ dialect: DIALECT, json: JSON.stringify(rawJson) }] : [],
  });
}

const MODELLED = [
  "model",
  "input",
  "instructions",
  "stream",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_output_tokens",
  "text",
  "reasoning",
  "store",
  "include",
];

function divide(body: Raw): [Raw, Raw] {
  const entries = Object.entries(body).filter(([, value]) => value !== null);
  const isKnown = ([name]: [string, unknown]): boolean => MODELLED.includes(name);
  return [Object.fromEntries(entries.filter(isKnown)), Object.fromEntries(entries.filter((one) => !isKnown(one)))];
}

// Words that are finer than the contract's stay the provider's own.
function finerReasoning(reasoning: unknown): Raw {
  const summary = (reasoning as Raw | undefined)?.["summary"];
  return summary === undefined || summary === "auto" ? {} : { reasoning: { summary } };
}

function includeOf(include: unknown): Raw {
  const words = ((include ?? []) as string[]).filter((word) => word !== "reasoning.encrypted_content");
  return words.length > 0 ? { include: words } : {};
}

function conversationOf(body: Raw, asked: Asked): MessageInit[] {
  const messages: MessageInit[] = [];
  if (typeof body["instructions"] === "string")
    messages.push({ role: Role.SYSTEM, parts: [text(body["instructions"])] });
  const { input } = body;
  if (typeof input === "string") return [...messages, { role: Role.USER, parts: [text(input)] }];
  for (const item of (input ?? []) as Raw[]) {
    const { role, parts } = itemOf(item, asked);
    const last = messages.at(-1);
    const joins = last?.role === role && (role === Role.ASSISTANT || role === Role.TOOL);
    if (joins) last.parts = [...(last.parts ?? []), ...parts];
    else if (role === Role.ASSISTANT) messages.push({ role, parts, origin: { ...asked, dialect: DIALECT } });
    else messages.push({ role, parts });
  }
  return messages;
}

const ROLES: Readonly<Record<string, Role>> = {
  user: Role.USER,
  system: Role.SYSTEM,
  developer: Role.DEVELOPER,
  assistant: Role.ASSISTANT,
};

function itemOf(item: Raw, asked: Asked): { readonly role: Role; readonly parts: PartInit[] } {
  const type = (item["type"] ?? "message") as string;
  const id = typeof item["id"] === "string" ? { id: item["id"] } : {};
  switch (type) {
    case "message":
      return { role: roleOf(item["role"]), parts: contentOf(item["content"]).map((part) => ({ ...part, ...id })) };
    case "reasoning":
      return { role: Role.ASSISTANT, parts: [{ ...thoughtOf(item, asked), ...id }] };
    case "function_call":
      return { role: Role.ASSISTANT, parts: [{ ...functionCallOf(item, asked), ...id }] };
    case "function_call_output":
      return { role: Role.TOOL, parts: [resultOf(item)] };
    case "code_interpreter_call":
    case "tool_search_call":
      return { role: Role.ASSISTANT, parts: [{ ...nativeCallOf(type, item, asked), ...id }] };
    case "tool_search_output": {
      const value = { callId: String(item["call_id"]), nativeType: type, nativeJson: JSON.stringify(item) };
      return { role: Role.TOOL, parts: [{ kind: { case: "toolResult", value } }] };
    }
    default:
      throw new Error(`the decoder has no rule for the item ${type}`);
  }
}

function roleOf(role: unknown): Role {
  const known = ROLES[String(role)];
  if (known === undefined) throw new Error(`the decoder has no rule for the role ${String(role)}`);
  return known;
}

function text(value: string): PartInit {
  return { kind: { case: "text", value: { text: value } } };
}

function contentOf(content: unknown): PartInit[] {
  if (typeof content === "string") return [text(content)];
  return (content as Raw[]).map((piece) => {
    switch (piece["type"]) {
      case "input_text":
      case "output_text":
        return text(String(piece["text"]));
      case "input_image":
        return mediaOf(Modality.IMAGE, String(piece["image_url"]), undefined);
      case "input_file":
        return mediaOf(Modality.DOCUMENT, String(piece["file_data"]), String(piece["filename"]));
      default:
        throw new Error(`the decoder has no rule for the content ${String(piece["type"])}`);
    }
  });
}

function mediaOf(modality: Modality, address: string, filename: string | undefined): PartInit {
  const inline = /^data:([^;]+);base64,(.*)$/s.exec(address);
  const source = inline
    ? ({ case: "inline", value: new Uint8Array(Buffer.from(inline[2] ?? "", "base64")) } as const)
    : ({ case: "url", value: address } as const);
  const named = filename === undefined ? {} : { filename };
  const typed = inline ? { mimeType: inline[1] ?? "" } : {};
  return { kind: { case: "media", value: { modality, source, ...typed, ...named } } };
}

function stateOf(format: string, value: string, asked: Asked): NonNullable<PartInit["state"]> {
  return [{ origin: { ...asked, dialect: DIALECT }, format: `${DIALECT}.${format}`, payload: { case: "text", value } }];
}

function thoughtOf(item: Raw, asked: Asked): PartInit {
  const texts = (list: unknown): string[] => ((list ?? []) as Raw[]).map((piece) => String(piece["text"]));
  const encrypted = item["encrypted_content"];
  return {
    kind: { case: "reasoning", value: { text: texts(item["content"]), summary: texts(item["summary"]) } },
    ...(typeof encrypted === "string" ? { state: stateOf("encrypted_content", encrypted, asked) } : {}),
  };
}

function functionCallOf(item: Raw, asked: Asked): PartInit {
  const { namespace } = item;
  return {
    kind: {
      case: "toolCall",
      value: {
        callId: String(item["call_id"]),
        name: String(item["name"]),
        input: { case: "argumentsJson", value: String(item["arguments"]) },
      },
    },
    ...(namespace === undefined ? {} : { state: stateOf("item_members", JSON.stringify({ namespace }), asked) }),
  };
}

function nativeCallOf(type: string, item: Raw, asked: Asked): PartInit {
  const isClients = item["execution"] === "client";
  const value = {
    callId: String(item["call_id"] ?? item["id"]),
    name: type.replace(/_call$/, ""),
    executor: isClients ? Executor.CALLER : Executor.PROVIDER,
    nativeType: type,
  };
  return { kind: { case: "toolCall", value }, state: stateOf("item", JSON.stringify(item), asked) };
}

function resultOf(item: Raw): PartInit {
  const value = { callId: String(item["call_id"]), content: contentOf(item["output"]) };
  return { kind: { case: "toolResult", value } };
}

function toolOf(tool: Raw): ToolInit {
  const type = String(tool["type"]);
  const has = (...names: string[]): boolean => Object.keys(tool).every((name) => ["type", ...names].includes(name));
  if (type === "function" && has("name", "description", "parameters", "strict")) {
    const { name, description, parameters, strict } = tool as Readonly<Record<string, string | boolean | undefined>>;
    const optional = {
      ...(typeof description === "string" ? { description } : {}),
      ...(typeof strict === "boolean" ? { strict } : {}),
    };
    const value = { name: String(name), parametersJson: JSON.stringify(parameters), ...optional };
    return { kind: { case: "function", value } };
  }
  if (type === "web_search" && has("search_context_size", "user_location")) {
    const size = tool["search_context_size"];
    const place = tool["user_location"] as Readonly<Record<string, string>> | undefined;
    const { type: _, ...userLocation } = place ?? {};
    const value = {
      ...(typeof size === "string" ? { contextSize: size } : {}),
      ...(place ? { userLocation } : {}),
    };
    return { kind: { case: "webSearch", value } };
  }
  return { kind: { case: "native", value: { dialect: DIALECT, type, definitionJson: JSON.stringify(tool) } } };
}

const MODES: Readonly<Record<string, ToolMode>> = {
  auto: ToolMode.AUTO,
  none: ToolMode.NONE,
  required: ToolMode.REQUIRED,
};

function toolChoiceOf(known: Raw): Init<typeof ChatRequestSchema> {
  const { tool_choice: choice, parallel_tool_calls: parallel } = known;
  if (choice === undefined && parallel === undefined) return {};
  const named = typeof choice === "object" ? { mode: ToolMode.REQUIRED, names: [String((choice as Raw)["name"])] } : {};
  const mode = typeof choice === "string" ? { mode: MODES[choice] ?? ToolMode.UNSPECIFIED } : {};
  return { toolChoice: { ...named, ...mode, ...(parallel === undefined ? {} : { parallel: parallel as boolean }) } };
}

function samplingOf(known: Raw): Init<typeof ChatRequestSchema> {
  const limit = known["max_output_tokens"];
  return limit === undefined ? {} : { sampling: { maxOutputTokens: Number(limit) } };
}

function outputOf(config: Raw | undefined): Init<typeof ChatRequestSchema> {
  if (!config) return {};
  const format = config["format"] as Raw;
  if (format["type"] !== "json_schema" || Object.keys(config).length > 1)
    throw new Error("no rule for this text format");
  const strict = format["strict"];
  const value = {
    name: String(format["name"]),
    schemaJson: JSON.stringify(format["schema"]),
    ...(strict === undefined ? {} : { strict: strict as boolean }),
  };
  return { output: { format: { case: "jsonSchema", value } } };
}

const EFFORTS: Readonly<Record<string, Effort>> = { low: Effort.LOW, medium: Effort.MEDIUM, high: Effort.HIGH };

function reasoningOf(reasoning: Raw | undefined): Init<typeof ChatRequestSchema> {
  if (!reasoning) return {};
  const effort = EFFORTS[String(reasoning["effort"])] ?? Effort.UNSPECIFIED;
  const visibility = reasoning["summary"] === "auto" ? ReasoningVisibility.SUMMARY : ReasoningVisibility.UNSPECIFIED;
  return { reasoning: { effort, visibility } };
}
