import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ChatRequestSchema,
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

// Recorded requests of generateContent as requests of the contract, by rules of its own: of src it knows the contract's
// types only, so that encoding them again can prove src wrong.

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };
type RequestInit = Exclude<MessageInitShape<typeof ChatRequestSchema>, { $typeName: string }>;
type MessageInit = Exclude<MessageInitShape<typeof MessageSchema>, { $typeName: string }>;
type PartInit = Exclude<MessageInitShape<typeof PartSchema>, { $typeName: string }>;
type ToolInit = Exclude<MessageInitShape<typeof ToolSchema>, { $typeName: string }>;

const DIALECT = "gemini-generate";

/**
 * A request's JSON in one way of writing. What differs after this is a difference in what is asked for. The same is done
 * to both sides: nulls and other defaults are left out (`thought: false`, empty lists and objects of settings, the model,
 * which stands in the path, the role of instructions); names are in camel case, since the service takes both; functions
 * of several tools stand in one, before other tools; their parameters and the answer's schema are JSON Schema, since the
 * older ways of writing the same schema name types in capitals; a calling mode without functions says nothing; base64 is
 * in its canonical form, which shortened recordings are not.
 */
export function canonical(request: unknown): JsonObject {
  const { model: _model, ...body } = camelCased(request as Json) as Record<string, Json>;
  const tools = ((body["tools"] ?? []) as JsonObject[]).map(canonicalTool);
  const functions = tools.flatMap((tool) => (tool["functionDeclarations"] as JsonObject[] | undefined) ?? []);
  const others = tools.filter((tool) => tool["functionDeclarations"] === undefined);
  const config = { ...(body["generationConfig"] as Record<string, Json> | undefined) };
  if (config["responseSchema"] !== undefined) {
    config["responseJsonSchema"] = config["responseSchema"];
    delete config["responseSchema"];
  }
  const system = body["systemInstruction"] as JsonObject | undefined;
  return withoutEmpty({
    ...body,
    tools: [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...others],
    toolConfig: canonicalToolConfig((body["toolConfig"] ?? {}) as JsonObject, functions.length > 0),
    generationConfig: config,
    systemInstruction: system === undefined ? {} : { parts: system["parts"] ?? [] },
  });
}

/** The contract's request behind a canonical one. `origin`: who made the model's messages. */
export function decodeRequest(
  body: JsonObject,
  origin: { readonly provider: string; readonly dialect: string; readonly model: string },
): ChatRequest {
  const config = (body["generationConfig"] ?? {}) as Record<string, Json>;
  const thinking = config["thinkingConfig"] as { includeThoughts?: boolean; thinkingBudget?: number } | undefined;
  const number = (name: string) => config[name] as number;
  const optional = <Name extends string>(name: Name, member: string) =>
    config[member] === undefined ? {} : ({ [name]: number(member) } as Record<Name, number>);
  const system = (body["systemInstruction"] as { parts: { text: string }[] } | undefined)?.parts;
  const init: RequestInit = {
    model: `${origin.provider}/${origin.model}`,
    messages: [
      ...(system ? [{ role: Role.SYSTEM, parts: system.map(({ text }) => textInit(text)) }] : []),
      ...new Contents(body["contents"] as unknown as Content[], origin).messages(),
    ],
    ...toolsOf(body),
    sampling: {
      ...optional("temperature", "temperature"),
      ...optional("topP", "topP"),
      ...optional("topK", "topK"),
      ...optional("maxOutputTokens", "maxOutputTokens"),
      ...optional("candidates", "candidateCount"),
      ...optional("topLogprobs", "logprobs"),
      ...(config["responseLogprobs"] === undefined ? {} : { logprobs: true }),
      stop: (config["stopSequences"] ?? []) as string[],
    },
    ...outputOf(config),
    ...(thinking
      ? {
          reasoning: {
            ...(thinking.thinkingBudget === undefined ? {} : { budgetTokens: thinking.thinkingBudget }),
            visibility: thinking.includeThoughts ? ReasoningVisibility.SUMMARY : ReasoningVisibility.UNSPECIFIED,
          },
        }
      : {}),
    rawParams: rawParamsOf(body),
  };
  return create(ChatRequestSchema, init);
}

/** Paths of what `expected` has and `actual` has not, or has differently. Additions are no difference. */
export function missingFrom(actual: Json | undefined, expected: Json, path = "$"): string[] {
  if (Array.isArray(expected)) {
    const list = Array.isArray(actual) ? (actual as Json[]) : [];
    const count = list.length === expected.length ? [] : [`${path}.length`];
    return [
      ...count,
      ...(expected as Json[]).flatMap((item, index) => missingFrom(list[index], item, `${path}[${index}]`)),
    ];
  }
  if (typeof expected === "object" && expected !== null) {
    const object = (typeof actual === "object" && actual !== null ? actual : {}) as JsonObject;
    return Object.entries(expected).flatMap(([key, value]) => missingFrom(object[key], value, `${path}.${key}`));
  }
  return actual === expected ? [] : [path];
}

interface Content {
  readonly role?: string;
  readonly parts: readonly WirePart[];
}

interface WirePart {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly inlineData?: { readonly mimeType: string; readonly data: string };
  readonly fileData?: { readonly mimeType?: string; readonly fileUri: string };
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args: JsonObject };
  readonly functionResponse?: {
    readonly id?: string;
    readonly name: string;
    readonly response: JsonObject;
    readonly parts?: readonly WirePart[];
  };
  readonly toolCall?: { readonly id: string; readonly toolType: string };
  readonly toolResponse?: { readonly id: string; readonly toolType: string };
}

class Contents {
  readonly #contents: readonly Content[];
  readonly #origin: { readonly provider: string; readonly dialect: string; readonly model: string };
  readonly #idOf = new Map<string, string>();

  constructor(contents: readonly Content[], origin: { provider: string; dialect: string; model: string }) {
    this.#contents = contents;
    this.#origin = origin;
  }

  messages(): MessageInit[] {
    return this.#contents.map((content, index) => {
      // A function whose result the model itself tells was run by the provider.
      const next = this.#contents[index + 1];
      const ranByServer = next?.role === "model" && next.parts.some(({ functionResponse }) => functionResponse);
      if (content.role === "model") {
        return {
          role: Role.ASSISTANT,
          origin: this.#origin,
          parts: content.parts.map((part) => this.#modelPart(part, ranByServer)),
        };
      }
      const isResult = content.parts.every(({ functionResponse }) => functionResponse);
      return { role: isResult ? Role.TOOL : Role.USER, parts: content.parts.map((part) => this.#userPart(part)) };
    });
  }

  #userPart(part: WirePart): PartInit {
    if (!part.functionResponse) return contentInit(part);
    const { id, name, response, parts } = part.functionResponse;
    const error = Object.keys(response).join() === "error" ? response["error"] : undefined;
    const text = typeof error === "string" ? error : JSON.stringify(response);
    return {
      kind: {
        case: "toolResult",
        value: {
          callId: id ?? this.#idOf.get(name) ?? "unknown",
          name,
          content: [...(text === "{}" ? [] : [textInit(text)]), ...(parts ?? []).map(contentInit)],
          ...(typeof error === "string" ? { isError: true } : {}),
        },
      },
    };
  }

  #modelPart(part: WirePart, ranByServer: boolean): PartInit {
    const { functionCall: call, functionResponse: result, toolCall, toolResponse, thoughtSignature } = part;
    const whole = { state: [this.#state("part", JSON.stringify(part))] };
    if (toolCall || (call && ranByServer)) {
      const value = {
        callId: toolCall?.id ?? "s",
        name: toolCall?.toolType ?? call!.name,
        executor: Executor.PROVIDER,
      };
      return { kind: { case: "toolCall", value }, ...whole };
    }
    if (toolResponse || result) {
      const value = { callId: toolResponse?.id ?? "s", executor: Executor.PROVIDER };
      return { kind: { case: "toolResult", value }, ...whole };
    }
    const state = thoughtSignature === undefined ? [] : [this.#state("thought_signature", thoughtSignature)];
    if (call) {
      const callId = call.id ?? `made_up_${this.#idOf.size}`;
      this.#idOf.set(call.name, callId);
      const input = { case: "argumentsJson", value: JSON.stringify(call.args) } as const;
      return { kind: { case: "toolCall", value: { callId, name: call.name, input } }, state };
    }
    if (part.thought) return { kind: { case: "reasoning", value: { text: [part.text ?? ""] } }, state };
    return { ...contentInit(part), state };
  }

  #state(format: string, text: string) {
    return { origin: this.#origin, format: `${DIALECT}.${format}`, payload: { case: "text" as const, value: text } };
  }
}

function contentInit(part: WirePart): PartInit {
  const { inlineData, fileData } = part;
  const mimeType = inlineData?.mimeType ?? fileData?.mimeType;
  const type = mimeType?.split("/")[0];
  const modality =
    { image: Modality.IMAGE, video: Modality.VIDEO, audio: Modality.AUDIO }[type ?? ""] ?? Modality.DOCUMENT;
  const media = { modality, ...(mimeType === undefined ? {} : { mimeType }) };
  if (inlineData) {
    const value = new Uint8Array(Buffer.from(inlineData.data, "base64"));
    return { kind: { case: "media", value: { ...media, source: { case: "inline", value } } } };
  }
  if (fileData) {
    return { kind: { case: "media", value: { ...media, source: { case: "url", value: fileData.fileUri } } } };
  }
  return textInit(part.text ?? "");
}

function textInit(text: string): PartInit {
  return { kind: { case: "text", value: { text } } };
}

const MODES: Readonly<Record<string, ToolMode>> = { AUTO: ToolMode.AUTO, ANY: ToolMode.REQUIRED, NONE: ToolMode.NONE };

function toolsOf(body: JsonObject): Pick<RequestInit, "tools" | "toolChoice"> {
  const wire = (body["tools"] ?? []) as unknown as Record<string, Json>[];
  const tools = wire.flatMap((tool): ToolInit[] => {
    const declarations = tool["functionDeclarations"] as Record<string, Json>[] | undefined;
    if (declarations?.every((one) => one["responseJsonSchema"] === undefined)) return declarations.map(functionTool);
    if (JSON.stringify(tool) === '{"googleSearch":{}}') return [{ kind: { case: "webSearch", value: {} } }];
    // What the contract does not model goes in the provider's own words.
    const type = Object.keys(tool)[0] ?? "";
    return [{ kind: { case: "native", value: { dialect: DIALECT, type, definitionJson: JSON.stringify(tool) } } }];
  });
  const calling = (body["toolConfig"] as { functionCallingConfig?: { mode?: string; allowedFunctionNames?: string[] } })
    ?.functionCallingConfig;
  const mode = calling?.mode === undefined ? undefined : MODES[calling.mode];
  return { tools, ...(mode === undefined ? {} : { toolChoice: { mode, names: calling?.allowedFunctionNames ?? [] } }) };
}

function functionTool(declaration: Readonly<Record<string, Json>>): ToolInit {
  const { name, description, parametersJsonSchema: schema } = declaration;
  return {
    kind: {
      case: "function",
      value: {
        name: name as string,
        ...(description === undefined ? {} : { description: description as string }),
        ...(schema === undefined ? {} : { parametersJson: JSON.stringify(schema) }),
      },
    },
  };
}

const MODALITIES: Readonly<Record<string, Modality>> = {
  TEXT: Modality.TEXT,
  IMAGE: Modality.IMAGE,
  AUDIO: Modality.AUDIO,
};

function outputOf(config: Readonly<Record<string, Json>>): Pick<RequestInit, "output"> {
  const schema = config["responseJsonSchema"];
  const modalities = ((config["responseModalities"] ?? []) as string[]).map(
    (word) => MODALITIES[word] ?? Modality.UNSPECIFIED,
  );
  if (config["responseMimeType"] === undefined) return { output: { modalities } };
  if (schema === undefined) return { output: { format: { case: "jsonObject", value: {} }, modalities } };
  const value = { name: "recorded", schemaJson: JSON.stringify(schema) };
  return { output: { format: { case: "jsonSchema", value }, modalities } };
}

function rawParamsOf(body: JsonObject): NonNullable<RequestInit["rawParams"]> {
  const { safetySettings, modelArmorConfig } = body;
  const calling = (body["toolConfig"] as { functionCallingConfig?: { streamFunctionCallArguments?: boolean } })
    ?.functionCallingConfig;
  const raw = {
    ...(safetySettings === undefined ? {} : { safetySettings }),
    ...(modelArmorConfig === undefined ? {} : { modelArmorConfig }),
    ...(calling?.streamFunctionCallArguments
      ? { tool_config: { function_calling_config: { stream_function_call_arguments: true } } }
      : {}),
  };
  return Object.keys(raw).length > 0 ? [{ dialect: DIALECT, json: JSON.stringify(raw) }] : [];
}

function canonicalTool(tool: JsonObject): JsonObject {
  const declarations = tool["functionDeclarations"] as Record<string, Json>[] | undefined;
  if (!declarations) return tool;
  return {
    functionDeclarations: declarations.map(({ parameters, ...rest }) =>
      parameters === undefined ? rest : { ...rest, parametersJsonSchema: lowerCaseTypes(parameters) },
    ),
  };
}

function canonicalToolConfig(config: JsonObject, hasFunctions: boolean): JsonObject {
  if (hasFunctions) return config;
  const { functionCallingConfig: _unused, ...rest } = config;
  return rest;
}

function lowerCaseTypes(schema: Json): Json {
  if (Array.isArray(schema)) return (schema as Json[]).map(lowerCaseTypes);
  if (typeof schema !== "object" || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "type" && typeof value === "string" ? value.toLowerCase() : lowerCaseTypes(value),
    ]),
  );
}

function camelCased(value: Json): Json {
  if (Array.isArray(value)) return (value as Json[]).map(camelCased);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, inner]) => inner !== null && !(key === "thought" && inner === false))
    .map(([key, inner]): [string, Json] => {
      const name = key.replaceAll(/(?<=[a-z])_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
      const isBase64 = name === "data" && typeof inner === "string";
      return [name, isBase64 ? Buffer.from(inner, "base64").toString("base64") : camelCased(inner)];
    });
  return Object.fromEntries(entries);
}

// Empty settings say nothing; a tool without members does, hence one level only, and lists of names below it.
function withoutEmpty(value: Record<string, Json>): JsonObject {
  const isEmpty = (one: Json): boolean => typeof one === "object" && one !== null && Object.keys(one).length === 0;
  const system = value["systemInstruction"] as { parts?: Json[] };
  return Object.fromEntries(
    Object.entries(value).filter(([key, inner]) => !isEmpty(inner) && !(key === "systemInstruction" && !system.parts)),
  );
}
