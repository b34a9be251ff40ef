import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Content, GenerateContentRequest, Part } from "../../dialects/gemini-generate/wire.ts";
import type { Ask, AskedOutput, AskedTool } from "../ask.ts";
import { decodeSegment } from "../path-segment.ts";
import { check } from "../shape.ts";
import { estimateTokens } from "../tokens.ts";
import { Refusal } from "../wire-format.ts";
import { complain, failure, refuse } from "./errors.ts";
import { checkMessages, partsOf, resultsOf } from "./messages.ts";
import { request as requestShape } from "./parameters.ts";

const CHAT_PATH = /^\/v1(?:beta)?\/models\/([^/]+):(generateContent|streamGenerateContent)$/;

/** What the path and query of a chat request say; undefined: it is none. */
export interface ChatPath {
  readonly model: string;
  readonly streams: boolean;
  /** A stream is server-sent events only where the query asks for them, else one JSON list. */
  readonly asEvents: boolean;
}

/** Reads the path and query of a chat request. */
export function readPath(url: string): ChatPath | undefined {
  const [path = "", query = ""] = url.split("?", 2);
  const match = CHAT_PATH.exec(path);
  if (!match?.[1]) return undefined;
  const asEvents = new URLSearchParams(query).get("alt") === "sse";
  return { model: decodeSegment(match[1]), streams: match[2] === "streamGenerateContent", asEvents };
}

/** Throws `Refusal` unless the request carries a key that is not `invalid`. */
export function authorise(headers: IncomingHttpHeaders, url: string): void {
  const key = headers["x-goog-api-key"] ?? new URLSearchParams(url.split("?", 2)[1] ?? "").get("key");
  if (!key) {
    const message =
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other " +
      "form of API consumer identity to call this API.";
    refuse(message, 403, "PERMISSION_DENIED");
  }
  if (key === "invalid") throw new Refusal(failure("invalid_key", { model: "" }));
}

/** Reads and checks a request. Throws `Refusal`. */
export function readRequest(body: string, { model, streams, asEvents }: ChatPath): ReadGenerate {
  const request = parse(body);
  checkMessages(request, model.split("@", 1)[0] === "think");
  const { contents, generationConfig: config, tools } = request;
  const calling = request.toolConfig?.functionCallingConfig;
  const declared = (tools ?? []).flatMap((tool) => (tool.functionDeclarations ?? []).map(askedTool));
  const names = calling?.allowedFunctionNames ?? [];
  const parts = [request.systemInstruction ?? null, contents, tools ?? []];
  return {
    request,
    ask: {
      model,
      stream: streams && asEvents,
      lastUserText: lastUserText(contents),
      prefill: prefillOf(contents),
      toolResults: toolResultsOf(contents),
      tools: names.length === 0 ? declared : declared.filter(({ name }) => names.includes(name)),
      toolChoice: calling?.mode === "ANY" ? "required" : calling?.mode === "NONE" ? "none" : "auto",
      parallelToolCalls: true,
      reasons: config?.thinkingConfig?.thinkingBudget !== 0,
      output: outputOf(config),
      candidates: config?.candidateCount ?? 1,
      maxOutputTokens: config?.maxOutputTokens ?? undefined,
      stop: config?.stopSequences ?? [],
      inputTokens: estimateTokens(Buffer.byteLength(JSON.stringify(parts))),
    },
  };
}

/** A request, and what it asks for. */
export interface ReadGenerate {
  readonly request: GenerateContentRequest;
  readonly ask: Ask;
}

function parse(body: string): GenerateContentRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    refuse("Invalid JSON payload received. Expected a value.");
  }
  check(requestShape, parsed, [], (complaint) =>
    complaint.path.length === 0 ? refuse("Invalid JSON payload received. Expected an object.") : complain(complaint),
  );
  const request = parsed as GenerateContentRequest;
  const { generationConfig: config } = request;
  const schema = config?.responseSchema ?? config?.responseJsonSchema;
  if (schema && config?.responseMimeType !== "application/json" && config?.responseMimeType !== "text/x.enum") {
    refuse("Function calling config or response schema is set without response_mime_type: application/json.");
  }
  if ((config?.logprobs ?? 0) > 0 && config?.responseLogprobs !== true) {
    refuse("Unable to submit request because logprobs is set, but response_logprobs is not true.");
  }
  const names = (request.tools ?? []).flatMap((tool) => (tool.functionDeclarations ?? []).map(({ name }) => name));
  const bad = names.find((name) => !/^[a-zA-Z_][\w.:-]{0,127}$/.test(name));
  if (bad !== undefined) {
    refuse(
      "* GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name. Must start with a letter " +
        "or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), " +
        "with a maximum length of 128.\n",
    );
  }
  return request;
}

function askedTool({
  name,
  parameters,
  parametersJsonSchema,
}: {
  name: string;
  parameters?: unknown;
  parametersJsonSchema?: unknown;
}): AskedTool {
  return { name, schema: parametersJsonSchema ?? lowerTypes(parameters) ?? undefined, freeText: false };
}

function outputOf(config: GenerateContentRequest["generationConfig"]): AskedOutput {
  const schema = config?.responseJsonSchema ?? lowerTypes(config?.responseSchema);
  if (schema) return { kind: "json_schema", schema };
  return { kind: config?.responseMimeType === "application/json" ? "json_object" : "text" };
}

// The older kind of schema names types in capitals.
function lowerTypes(schema: unknown): unknown {
  if (schema === undefined || schema === null) return undefined;
  return JSON.parse(JSON.stringify(schema), (name, value: unknown) =>
    name === "type" && typeof value === "string" ? value.toLowerCase() : value,
  ) as unknown;
}

function lastUserText(contents: readonly Content[]): string {
  const last = contents.findLast((content) => content.role !== "model" && resultsOf(content).length === 0);
  const parts = last ? partsOf(last) : [];
  const words = textOf(parts);
  if (words !== "" || parts.length === 0) return words;
  return `(${parts.map((part) => Object.keys(part)[0] ?? "").join(", ")})`;
}

function prefillOf(contents: readonly Content[]): string | undefined {
  const last = contents.at(-1);
  return last?.role === "model" ? textOf(partsOf(last)) : undefined;
}

function toolResultsOf(contents: readonly Content[]): string[] {
  const last = contents.at(-1);
  return (last ? resultsOf(last) : []).map(({ functionResponse }) => {
    const response = functionResponse?.response ?? {};
    const said = response["output"] ?? response["result"] ?? response["error"] ?? response;
    return typeof said === "string" ? said : JSON.stringify(said);
  });
}

function textOf(parts: readonly Part[]): string {
  return parts.map(({ text, thought }) => (thought ? "" : (text ?? ""))).join("");
}
