import { create, toJson, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import {
  ChatRequestSchema,
  ChatService,
  FinishReason,
  GatewayErrorSchema,
  ErrorReason,
  type ChatRequest,
  type ChatResponse,
  type StreamEvent,
} from "../../src/contract/index.ts";
import { ResponseFold } from "../../src/contract/fold.ts";

/** What came back through a door, reduced to what every door can tell. */
export interface Outcome {
  /** `completed`, or the reason of the failure. */
  readonly end: string;
  readonly text: string;
  readonly reasoning: string;
  readonly refusal: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish: string;
  readonly provider: string;
  readonly model: string;
  readonly attempts: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** How many terminals the stream had; 1 for unary answers. */
  readonly terminals: number;
  /** Whether content came before a failure. */
  readonly contentSeen: boolean;
}

/** One way into the gateway. */
export interface Door {
  readonly name: string;
  readonly stream: boolean;
  /** `onContent` is called when the first text of a streamed answer is there. */
  ask(request: MessageInitShape<typeof ChatRequestSchema>, key?: string, onContent?: () => void): Promise<Outcome>;
  close(): void;
}

const names = (table: Record<string, number | string>): Map<number, string> =>
  new Map(Object.entries(table).map(([name, value]) => [Number(value), name]));
const REASONS = names(ErrorReason);
const FINISHES = names(FinishReason);

/** Every door of the gateway: each protocol and framing, unary and streamed, and the REST shim. */
export function doorsOf(url: string, key: string): Door[] {
  const doors: Door[] = [];
  const transports: [string, (headers: () => Record<string, string>) => { transport: Transport; close: () => void }][] = [
    ["connect json http/1.1", (headers) => plain(createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: false, interceptors: [withHeaders(headers)] }))],
    ["connect binary http/1.1", (headers) => plain(createConnectTransport({ baseUrl: url, httpVersion: "1.1", useBinaryFormat: true, interceptors: [withHeaders(headers)] }))],
    ["connect binary http/2", (headers) => plain(createConnectTransport({ baseUrl: url, httpVersion: "2", useBinaryFormat: true, interceptors: [withHeaders(headers)] }))],
    ["grpc", (headers) => plain(createGrpcTransport({ baseUrl: url, interceptors: [withHeaders(headers)] }))],
    ["grpc-web", (headers) => plain(createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1", interceptors: [withHeaders(headers)] }))],
  ];
  for (const [name, make] of transports) {
    let current = key;
    const { transport } = make(() => ({ authorization: `Bearer ${current}` }));
    const client = createClient(ChatService, transport);
    const using = (other: string | undefined): void => void (current = other ?? key);
    doors.push({ name: `${name} unary`, stream: false, ask: (request, other) => (using(other), askUnary(client, request)), close: () => {} });
    doors.push({ name: `${name} stream`, stream: true, ask: (request, other, onContent) => (using(other), askStream(client, request, onContent)), close: () => {} });
  }
  doors.push({ name: "rest unary", stream: false, ask: (request, other) => askRest(url, other ?? key, request, false), close: () => {} });
  doors.push({ name: "rest stream", stream: true, ask: (request, other, onContent) => askRest(url, other ?? key, request, true, onContent), close: () => {} });
  return doors;
}

function plain(transport: Transport): { transport: Transport; close: () => void } {
  return { transport, close: () => {} };
}

function withHeaders(headers: () => Record<string, string>) {
  return (next: (request: any) => Promise<any>) => async (request: any) => {
    for (const [name, value] of Object.entries(headers())) request.header.set(name, value);
    return next(request);
  };
}

async function askUnary(client: Client<typeof ChatService>, request: MessageInitShape<typeof ChatRequestSchema>): Promise<Outcome> {
  try {
    const { response } = await client.generate({ request });
    if (!response) throw new Error("an answer without a response");
    return fromResponse(response, 1, true);
  } catch (thrown) {
    return fromError(thrown, { terminals: 1, contentSeen: false, text: "" });
  }
}

async function askStream(
  client: Client<typeof ChatService>,
  request: MessageInitShape<typeof ChatRequestSchema>,
  onContent?: () => void,
): Promise<Outcome> {
  const fold = new ResponseFold();
  let terminals = 0;
  let text = "";
  let seq = 0;
  let failedId: string | undefined;
  try {
    for await (const { event } of client.generateStream({ request })) {
      if (!event) throw new Error("a message without an event");
      if (event.event.case !== "keptAlive" && event.seq !== ++seq) throw new Error(`seq ${event.seq} where ${seq} is next`);
      fold.add(event);
      text += deltaText(event);
      if (text !== "") onContent?.();
      if (event.event.case === "completed") terminals += 1;
      if (event.event.case === "failed") {
        terminals += 1;
        failedId = event.event.value.error?.errorId;
      }
    }
    if (terminals === 0) return { ...EMPTY, end: "CUT", text, contentSeen: text !== "" };
    if (failedId !== undefined) return { ...EMPTY, end: "FAILED_WITH_OK_STATUS", text, terminals };
    return fromResponse(fold.response(), terminals, true);
  } catch (thrown) {
    const outcome = fromError(thrown, { terminals: Math.max(1, terminals), contentSeen: text !== "", text });
    const detail = ConnectError.from(thrown).findDetails(GatewayErrorSchema)[0];
    if (failedId !== undefined && detail?.errorId !== failedId) return { ...outcome, end: "TWO_ERRORS" };
    return outcome;
  }
}

const EMPTY: Outcome = {
  end: "",
  text: "",
  reasoning: "",
  refusal: "",
  calls: [],
  finish: "",
  provider: "",
  model: "",
  attempts: 0,
  inputTokens: 0,
  outputTokens: 0,
  terminals: 0,
  contentSeen: false,
};

function deltaText({ event }: StreamEvent): string {
  return event.case === "blockDelta" && event.value.delta.case === "text" ? event.value.delta.value : "";
}

function fromError(thrown: unknown, seen: Pick<Outcome, "terminals" | "contentSeen" | "text">): Outcome {
  const error = ConnectError.from(thrown);
  const detail = error.findDetails(GatewayErrorSchema)[0];
  const end = detail ? (REASONS.get(detail.reason) ?? "UNKNOWN_REASON") : `UNTYPED ${error.code} ${error.rawMessage}`;
  return { ...EMPTY, ...seen, end, attempts: detail?.attempts.length ?? 0 };
}

function fromResponse(response: ChatResponse, terminals: number, contentSeen: boolean): Outcome {
  const [candidate] = response.candidates;
  const outcome = { ...EMPTY, calls: [] as { name: string; arguments: string }[] };
  for (const part of candidate?.message?.parts ?? []) {
    if (part.kind.case === "text") outcome.text += part.kind.value.text;
    if (part.kind.case === "refusal") outcome.refusal += part.kind.value.text;
    if (part.kind.case === "reasoning") outcome.reasoning += part.kind.value.text.join("");
    if (part.kind.case === "toolCall") outcome.calls.push({ name: part.kind.value.name, arguments: String(part.kind.value.input.value) });
  }
  return {
    ...outcome,
    end: "completed",
    finish: FINISHES.get(candidate?.finish?.reason ?? 0) ?? "",
    provider: response.origin?.provider ?? "",
    model: response.origin?.model ?? "",
    attempts: response.attempts.length,
    inputTokens: (response.usage?.inputTokens ?? 0) + (response.usage?.cacheReadTokens ?? 0),
    outputTokens: (response.usage?.outputTokens ?? 0) + (response.usage?.reasoningTokens ?? 0),
    terminals,
    contentSeen,
  };
}

// --- REST ---

const REST_ROLES = ["", "system", "developer", "user", "assistant", "tool"];

/** The request in OpenAI's shape, as far as scenarios need it. Written apart from the gateway's own decoder. */
export function toRest(request: ChatRequest, stream: boolean): Record<string, unknown> {
  const body: Record<string, unknown> = { model: request.model, stream, messages: request.messages.map(restMessage) };
  if (stream) body["stream_options"] = { include_usage: true };
  if (request.tools.length > 0) {
    body["tools"] = request.tools.map((tool) => {
      if (tool.kind.case !== "function") throw new Error("scenarios use functions only");
      const { name, description, parametersJson } = tool.kind.value;
      return { type: "function", function: { name, description, parameters: JSON.parse(parametersJson ?? "{}") } };
    });
  }
  const { sampling, output, routing } = request;
  if (sampling?.maxOutputTokens !== undefined) body["max_completion_tokens"] = sampling.maxOutputTokens;
  if (sampling?.temperature !== undefined) body["temperature"] = sampling.temperature;
  if (sampling?.topK !== undefined) body["top_k"] = sampling.topK;
  if (sampling && sampling.stop.length > 0) body["stop"] = sampling.stop;
  if (output?.format.case === "jsonSchema") {
    const { name, schemaJson, strict } = output.format.value;
    body["response_format"] = { type: "json_schema", json_schema: { name, schema: JSON.parse(schemaJson), strict } };
  }
  if (output?.format.case === "jsonObject") body["response_format"] = { type: "json_object" };
  if (routing && routing.fallbackModels.length > 0) body["models"] = routing.fallbackModels;
  return body;
}

function restMessage(message: ChatRequest["messages"][number]): Record<string, unknown> {
  const [part] = message.parts;
  if (part?.kind.case === "toolResult") {
    const content = part.kind.value.content.map((one) => (one.kind.case === "text" ? one.kind.value.text : "")).join("");
    return { role: "tool", tool_call_id: part.kind.value.callId, content };
  }
  const text = message.parts.map((one) => (one.kind.case === "text" ? one.kind.value.text : "")).join("");
  const calls = message.parts.flatMap((one) => (one.kind.case === "toolCall" ? [one.kind.value] : []));
  const rest: Record<string, unknown> = { role: REST_ROLES[message.role], content: text === "" && calls.length > 0 ? null : text };
  if (calls.length > 0) {
    rest["tool_calls"] = calls.map((call) => ({ id: call.callId, type: "function", function: { name: call.name, arguments: call.input.value } }));
  }
  return rest;
}

const REST_FINISH: Record<string, string> = { stop: "STOP", length: "MAX_TOKENS", tool_calls: "TOOL_CALLS", content_filter: "CONTENT_FILTER" };

async function askRest(
  url: string,
  key: string,
  init: MessageInitShape<typeof ChatRequestSchema>,
  stream: boolean,
  onContent?: () => void,
): Promise<Outcome> {
  const request = create(ChatRequestSchema, init);
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(toRest(request, stream)),
  });
  if (!response.ok) return restFailure(JSON.parse(await response.text()), { terminals: 1, text: "", contentSeen: false });
  if (!stream) return restAnswer(JSON.parse(await response.text()));
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (onContent && /"content":"[^"]/.test(text)) onContent();
  }
  return restStream(text);
}

function restFailure(body: any, seen: Pick<Outcome, "terminals" | "contentSeen" | "text">): Outcome {
  const reason = body?.error?.parley?.reason;
  return {
    ...EMPTY,
    ...seen,
    end: typeof reason === "string" ? reason.toUpperCase() : `UNTYPED ${JSON.stringify(body)}`,
    attempts: body?.error?.parley?.attempts?.length ?? 0,
  };
}

function restAnswer(body: any): Outcome {
  const [choice] = body.choices;
  const { message } = choice;
  const [provider, ...model] = String(body.model).split("/");
  return {
    ...EMPTY,
    end: "completed",
    text: message.content ?? "",
    reasoning: message.reasoning_content ?? "",
    refusal: message.refusal ?? "",
    calls: (message.tool_calls ?? []).map((call: any) => ({ name: call.function.name, arguments: call.function.arguments })),
    finish: REST_FINISH[choice.finish_reason] ?? choice.finish_reason,
    provider: provider ?? "",
    model: model.join("/"),
    attempts: body.parley.attempts.length,
    inputTokens: body.usage?.prompt_tokens ?? 0,
    outputTokens: body.usage?.completion_tokens ?? 0,
    terminals: 1,
    contentSeen: true,
  };
}

function restStream(text: string): Outcome {
  const message = { content: "", reasoning_content: "", refusal: "", tool_calls: [] as any[] };
  let last: any;
  let finish: string | null = null;
  let usage: any;
  let done = 0;
  let failure: any;
  for (const line of text.split("\n")) {
    if (!line.startsWith("data: ")) continue;
    const data = line.slice(6);
    if (data === "[DONE]") {
      done += 1;
      continue;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) {
      failure = chunk;
      done += 1;
      continue;
    }
    last = chunk.parley ? chunk : (last ?? chunk);
    usage = chunk.usage ?? usage;
    for (const choice of chunk.choices) {
      finish = choice.finish_reason ?? finish;
      const { delta } = choice;
      message.content += delta.content ?? "";
      message.reasoning_content += delta.reasoning_content ?? "";
      message.refusal += delta.refusal ?? "";
      for (const call of delta.tool_calls ?? []) {
        const known = (message.tool_calls[call.index] ??= { function: { name: "", arguments: "" } });
        known.function.name += call.function?.name ?? "";
        known.function.arguments += call.function?.arguments ?? "";
      }
    }
  }
  if (failure) return restFailure(failure, { terminals: done, contentSeen: message.content !== "", text: message.content });
  if (done === 0) return { ...EMPTY, end: "CUT", text: message.content, contentSeen: message.content !== "" };
  const answer = restAnswer({ ...last, usage, choices: [{ message, finish_reason: finish }] });
  return { ...answer, terminals: done };
}

/** The JSON of a request as the contract's Connect JSON has it. */
export function toConnectJson(init: MessageInitShape<typeof ChatRequestSchema>): unknown {
  return { request: toJson(ChatRequestSchema, create(ChatRequestSchema, init)) };
}

