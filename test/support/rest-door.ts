import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ChatRequestSchema, Delivery, Effort, type ChatRequest } from "../../src/contract/index.ts";
import { EMPTY, type Outcome } from "./outcome.ts";

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
  const { sampling, output, routing, reasoning } = request;
  if (sampling?.candidates !== undefined) body["n"] = sampling.candidates;
  if (reasoning) body["reasoning_effort"] = REST_EFFORTS.get(reasoning.effort);
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
  const parley = restParley(request);
  if (Object.keys(parley).length > 0) body["parley"] = parley;
  return body;
}

const REST_EFFORTS = new Map<Effort, string>(
  Object.entries(Effort).map(([name, value]) => [value, name.toLowerCase()]),
);
const REST_DELIVERIES = ["", "commit", "auto", "restartable", "hold"];

function restParley({ routing, delivery, tags }: ChatRequest): Record<string, unknown> {
  return {
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...(routing?.maxAttempts === undefined ? {} : { max_attempts: routing.maxAttempts }),
    ...(delivery === Delivery.UNSPECIFIED ? {} : { delivery: REST_DELIVERIES[delivery] }),
  };
}

function restMessage(message: ChatRequest["messages"][number]): Record<string, unknown> {
  const [part] = message.parts;
  if (part?.kind.case === "toolResult") {
    const content = part.kind.value.content
      .map((one) => (one.kind.case === "text" ? one.kind.value.text : ""))
      .join("");
    return { role: "tool", tool_call_id: part.kind.value.callId, content };
  }
  const text = message.parts.map((one) => (one.kind.case === "text" ? one.kind.value.text : "")).join("");
  const calls = message.parts.flatMap((one) => (one.kind.case === "toolCall" ? [one.kind.value] : []));
  const rest: Record<string, unknown> = {
    role: REST_ROLES[message.role],
    content: text === "" && calls.length > 0 ? null : text,
  };
  if (calls.length > 0) {
    rest["tool_calls"] = calls.map((call) => ({
      id: call.callId,
      type: "function",
      function: { name: call.name, arguments: call.input.value },
    }));
  }
  return rest;
}

const REST_FINISH: Record<string, string> = {
  stop: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "TOOL_CALLS",
  content_filter: "CONTENT_FILTER",
};

/** Asks the REST shim. Written apart from the gateway's own codecs. */
export async function askRest(
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
  if (!response.ok)
    return restFailure(JSON.parse(await response.text()), { terminals: 1, text: "", contentSeen: false });
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
    calls: (message.tool_calls ?? []).map((call: any) => ({
      name: call.function.name,
      arguments: call.function.arguments,
    })),
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
  const marks: string[] = [];
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
    const continued = chunk.parley?.continued;
    if (continued) marks.push(`continued by ${continued.provider}/${continued.model}`);
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
  const seen = { terminals: done, contentSeen: message.content !== "", text: message.content };
  if (failure) return { ...restFailure(failure, seen), marks };
  if (done === 0) return { ...EMPTY, end: "CUT", text: message.content, contentSeen: message.content !== "" };
  const answer = restAnswer({ ...last, usage, choices: [{ message, finish_reason: finish }] });
  return { ...answer, terminals: done, marks };
}
