import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { serveAsChild } from "./child.ts";

/** Content chunks of every stream. */
export const contentChunks = 64;
/** Events of every stream: the role, the content chunks, the finish reason, the usage and `[DONE]`. */
export const eventsPerStream = contentChunks + 4;
/** Time between two events of a paced stream, in milliseconds. */
export const paceMs = 5;
/** Text of the first content chunk: whoever sees it has the first token. */
export const firstText = "Alpha";

const eventsPerSaturatedWrite = 12;
const created = 1_763_629_200;
const id = "chatcmpl-bench00000000000000001";
const usage = { prompt_tokens: 84, completion_tokens: 130, total_tokens: 214 };

/** The whole text of every streamed answer. */
export const streamedText = Array.from({ length: contentChunks }, (_, index) => contentText(index)).join("");
/** The whole text of every unary answer; with its envelope about 1 KB. */
export const unaryText =
  `${firstText} ${"answers of a mock are all alike, and so they cost the same. ".repeat(12)}`.trim();

function contentText(index: number): string {
  return index === 0 ? firstText : ` word${String(index).padStart(2, "0")}`;
}

function event(model: string, choices: readonly object[], ownUsage: object | null): string {
  const envelope = { id, object: "chat.completion.chunk", created, model, system_fingerprint: "fp_bench" };
  return `data: ${JSON.stringify({ ...envelope, choices, usage: ownUsage })}\n\n`;
}

function choice(delta: object, finishReason: string | null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

/** The writes of a stream: one per event when paced (the role goes with the first content), groups otherwise. */
function streamWrites(model: string, paced: boolean): Buffer[] {
  const events = [event(model, [choice({ role: "assistant", content: "" }, null)], null)];
  for (let index = 0; index < contentChunks; index++) {
    events.push(event(model, [choice({ content: contentText(index) }, null)], null));
  }
  events.push(event(model, [choice({}, "stop")], null), event(model, [], usage), "data: [DONE]\n\n");
  const groups: string[] = [];
  if (paced) {
    groups.push(events.slice(0, 2).join(""), ...events.slice(2, -2), events.slice(-2).join(""));
  } else {
    for (let from = 0; from < events.length; from += eventsPerSaturatedWrite) {
      groups.push(events.slice(from, from + eventsPerSaturatedWrite).join(""));
    }
  }
  return groups.map((text) => Buffer.from(text));
}

function unaryAnswer(model: string): Buffer {
  const message = { role: "assistant", content: unaryText, refusal: null, annotations: [] };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
  const details = { completion_tokens_details: { reasoning_tokens: 0 }, prompt_tokens_details: { cached_tokens: 0 } };
  const envelope = { id, object: "chat.completion", created, model };
  return Buffer.from(
    JSON.stringify({ ...envelope, choices, usage: { ...usage, ...details }, system_fingerprint: "fp_bench" }),
  );
}

const streamHeaders = { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" };

function sendSaturated(response: ServerResponse, writes: readonly Buffer[]): void {
  let next = 0;
  const step = (): void => {
    if (response.destroyed) return;
    const bytes = writes[next++];
    if (bytes === undefined) return void response.end();
    response.write(bytes);
    setImmediate(step);
  };
  step();
}

function sendPaced(response: ServerResponse, writes: readonly Buffer[]): void {
  let next = 0;
  const step = (): void => {
    const bytes = writes[next++];
    if (bytes === undefined || response.destroyed) {
      clearInterval(timer);
      response.end();
    } else {
      response.write(bytes);
    }
  };
  const timer = setInterval(step, paceMs);
  step();
}

/**
 * An upstream that speaks the OpenAI chat dialect and answers everybody alike: unary with about 1 KB, streams with 64
 * content chunks. A model whose name ends in `paced` pauses 5 ms between events, any other does not pause at all.
 */
export function createMockUpstream(): Server {
  const answers = new Map<string, { unary: Buffer; stream: Buffer[]; paced: boolean }>();
  const answersFor = (model: string) => {
    let known = answers.get(model);
    if (!known) {
      const paced = model.endsWith("paced");
      known = { unary: unaryAnswer(model), stream: streamWrites(model, paced), paced };
      if (answers.size < 100) answers.set(model, known);
    }
    return known;
  };
  const answer = (body: string, response: ServerResponse): void => {
    const asked = JSON.parse(body) as { model: string; stream?: boolean };
    const { unary, stream, paced } = answersFor(asked.model);
    if (!asked.stream) {
      response.writeHead(200, { "content-type": "application/json", "content-length": unary.length });
      response.end(unary);
      return;
    }
    response.writeHead(200, streamHeaders);
    (paced ? sendPaced : sendSaturated)(response, stream);
  };
  return createServer((request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => answer(parts.length === 1 ? String(parts[0]) : String(Buffer.concat(parts)), response));
  });
}

if (import.meta.main) serveAsChild(createMockUpstream());
