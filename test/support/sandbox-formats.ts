import { call, type CallOptions, eventData, type Seen } from "../../src/sandbox/test-client.ts";

/** A wire format as a plain client speaks it. */
export interface TestFormat {
  readonly id: string;
  /** A request for an answer to this user text; `prefill` is the beginning of the answer. */
  request(asked: Asked): Required<Pick<CallOptions, "path" | "headers" | "body">>;
  /** Text that a whole answer holds, and the reason why it ended; an empty reason where it has none. */
  whole(body: string): Said;
  /** The same of the events of a stream. */
  streamed(events: readonly unknown[]): Said;
}

/** What is asked. */
export interface Asked {
  readonly model: string;
  readonly stream: boolean;
  readonly text?: string;
  readonly prefill?: string;
  /** Further members of the body. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** What is said. */
export interface Said {
  readonly text: string;
  readonly finish: string;
}

const BEARER = { authorization: "Bearer test" };

/** Every wire format of the sandbox. */
export const TEST_FORMATS: readonly TestFormat[] = [
  {
    id: "openai-chat",
    request({ model, stream, text = "Hello there", prefill, more }) {
      const messages = [{ role: "user", content: text }, ...turn(prefill, { role: "assistant", content: prefill })];
      return { path: "/v1/chat/completions", headers: BEARER, body: { model, stream, messages, ...more } };
    },
    whole: (body) => {
      const [choice] = JSON.parse(body).choices;
      return { text: choice.message.content ?? "", finish: choice.finish_reason ?? "" };
    },
    streamed: (events) => {
      const choices = events.flatMap((event: any) => event.choices ?? []);
      const text = choices.map((choice) => choice.delta.content ?? "").join("");
      return { text, finish: choices.findLast((choice) => choice.finish_reason)?.finish_reason ?? "" };
    },
  },
  {
    id: "openai-responses",
    request({ model, stream, text = "Hello there", prefill, more }) {
      const input = [{ role: "user", content: text }, ...turn(prefill, { role: "assistant", content: prefill })];
      return { path: "/v1/responses", headers: BEARER, body: { model, stream, input, ...more } };
    },
    whole: (body) => saidByResponse(JSON.parse(body)),
    streamed: (events: readonly any[]) => {
      const text = events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");
      const last = events.findLast((event) => /^response\.(completed|incomplete)$/.test(event.type));
      return { text, finish: last ? saidByResponse(last.response).finish : "" };
    },
  },
  {
    id: "anthropic-messages",
    request({ model, stream, text = "Hello there", prefill, more }) {
      const messages = [{ role: "user", content: text }, ...turn(prefill, { role: "assistant", content: prefill })];
      const headers = { authorization: "", "x-api-key": "test", "anthropic-version": "2023-06-01" };
      return { path: "/v1/messages", headers, body: { model, stream, max_tokens: 4096, messages, ...more } };
    },
    whole: (body) => {
      const { content, stop_reason: finish } = JSON.parse(body);
      return { text: content.map((block: any) => block.text ?? "").join(""), finish: finish ?? "" };
    },
    streamed: (events: readonly any[]) => ({
      text: events.map((event) => event.delta?.text ?? "").join(""),
      finish: events.findLast((event) => event.type === "message_delta")?.delta.stop_reason ?? "",
    }),
  },
  {
    id: "gemini-generate",
    request({ model, stream, text = "Hello there", prefill, more }) {
      const user = { role: "user", parts: [{ text }] };
      const contents = [user, ...turn(prefill, { role: "model", parts: [{ text: prefill }] })];
      const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
      const path = `/v1beta/models/${encodeURIComponent(model)}:${method}`;
      return { path, headers: { authorization: "", "x-goog-api-key": "test" }, body: { contents, ...more } };
    },
    whole: (body) => saidByCandidates([JSON.parse(body)]),
    streamed: (events) => saidByCandidates(events),
  },
];

/** Calls the sandbox in a wire format. */
export function callFormat(url: string, format: TestFormat, asked: Asked, options: CallOptions = {}): Promise<Seen> {
  return call(url, { ...format.request(asked), ...options });
}

/** What an answer says, however it came. */
export function saidIn(format: TestFormat, { body }: Seen, stream: boolean): Said {
  if (!stream) return format.whole(body.toString());
  return format.streamed(
    eventData(body)
      .filter((data) => data !== "[DONE]")
      .map((data) => JSON.parse(data) as unknown),
  );
}

function turn(prefill: string | undefined, message: unknown): unknown[] {
  return prefill === undefined ? [] : [message];
}

function saidByResponse(response: any): Said {
  const parts = response.output.flatMap((item: any) => item.content ?? []);
  const ended = response.status === "incomplete" ? response.incomplete_details.reason : response.status;
  return { text: parts.map((part: any) => part.text ?? "").join(""), finish: ended === "in_progress" ? "" : ended };
}

function saidByCandidates(answers: readonly any[]): Said {
  const candidates = answers.flatMap((answer) => answer.candidates ?? []);
  const parts = candidates.flatMap((candidate) => candidate.content?.parts ?? []);
  return {
    text: parts.map((part) => (part.thought ? "" : (part.text ?? ""))).join(""),
    finish: candidates.findLast((candidate) => candidate.finishReason)?.finishReason ?? "",
  };
}
