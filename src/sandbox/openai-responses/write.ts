import type {
  ContentPart,
  OutputItem,
  ResponseEvent,
  ResponseObject,
  ResponsesRequest,
  ResponseUsage,
} from "../../dialects/openai-responses/wire.ts";
import type { Answer, AnswerPart, AnswerStep, Candidate, Usage } from "../answer.ts";
import type { Stamp, StepWriter } from "../wire-format.ts";
import { encryptedReasoning, itemId } from "./messages.ts";

/** JSON text of a whole answer. */
export function responseBody(request: ResponsesRequest, answer: Answer, stamp: Stamp): string {
  return JSON.stringify(new AnswerWriter(request, answer, stamp).finished());
}

/** Writes the events of a streamed answer. */
export function eventWriter(request: ResponsesRequest, answer: Answer, stamp: Stamp): StepWriter {
  const writer = new AnswerWriter(request, answer, stamp);
  let sequenceNumber = 0;
  return (step) => {
    // The reason stands in the event that ends an answer; an end without one is that of the vendor's other format.
    if (step.type === "closed" && answer.candidates[0]?.finish === undefined) return [{ data: "[DONE]" }];
    return writer.eventsOf(step).map((event) => {
      const numbered: ResponseEvent = { type: event.type, sequence_number: sequenceNumber++, ...event };
      return { event: event.type ?? "", data: JSON.stringify(numbered) };
    });
  };
}

type Status = "in_progress" | "completed" | "incomplete";

class AnswerWriter {
  readonly #request: ResponsesRequest;
  readonly #answer: Answer;
  readonly #candidate: Candidate;
  readonly #stamp: Stamp;

  constructor(request: ResponsesRequest, answer: Answer, stamp: Stamp) {
    this.#request = request;
    this.#answer = answer;
    // The format has one answer; this one is all that is asked for.
    this.#candidate = answer.candidates[0] ?? { parts: [], finish: undefined };
    this.#stamp = stamp;
  }

  /** The whole answer as it ends. */
  finished(): ResponseObject {
    const output = this.#candidate.parts.map((part, index) => this.#item(part, index, "completed"));
    const last = output.at(-1);
    if (last?.status && this.#status() === "incomplete") last.status = "incomplete";
    return { ...this.#response(this.#status(), output), ...this.#usage() };
  }

  eventsOf(step: AnswerStep): ResponseEvent[] {
    switch (step.type) {
      case "candidate_opened": {
        const response = { ...this.#response("in_progress", []), usage: null };
        return [
          { type: "response.created", response },
          { type: "response.in_progress", response },
        ];
      }
      case "part_opened":
        return this.#opened(step.content, step.part);
      case "token":
        return this.#token(step.content, step.part, step.text);
      case "part_closed":
        return this.#closed(step.content, step.part);
      case "closed": {
        const type = this.#status() === "incomplete" ? "response.incomplete" : "response.completed";
        return [{ type, response: this.finished() }];
      }
      default:
        return [];
    }
  }

  #opened(part: AnswerPart, index: number): ResponseEvent[] {
    const item = this.#item({ ...part, tokens: [] }, index, "in_progress");
    const added: ResponseEvent = { type: "response.output_item.added", output_index: index, item };
    if (part.kind === "tool_call") return [added];
    if (part.kind === "reasoning") {
      item.summary = [];
      if (!this.#showsSummary()) return [added];
      const summary = { type: "summary_text", text: "" };
      return [added, { ...this.#at(part, index), type: "response.reasoning_summary_part.added", part: summary }];
    }
    item.content = [];
    return [added, { ...this.#at(part, index), type: "response.content_part.added", part: contentPart(part, "") }];
  }

  #token(part: AnswerPart, index: number, text: string): ResponseEvent[] {
    const at = this.#at(part, index);
    const padding =
      this.#request.stream_options?.include_obfuscation === false
        ? {}
        : { obfuscation: PADDING.slice(text.length % 16) };
    if (part.kind === "reasoning") {
      if (!this.#showsSummary()) return [];
      return [{ ...at, type: "response.reasoning_summary_text.delta", delta: text, ...padding }];
    }
    if (part.kind === "refusal") return [{ ...at, type: "response.refusal.delta", delta: text, ...padding }];
    if (part.kind !== "tool_call") {
      return [{ ...at, type: "response.output_text.delta", delta: text, logprobs: [], ...padding }];
    }
    const type = part.freeText ? "response.custom_tool_call_input.delta" : "response.function_call_arguments.delta";
    return [{ ...at, type, delta: text, ...padding }];
  }

  #closed(part: AnswerPart, index: number): ResponseEvent[] {
    const at = this.#at(part, index);
    const whole = part.tokens.join("");
    const item = this.#item(part, index, "completed");
    const done: ResponseEvent = { type: "response.output_item.done", output_index: index, item };
    if (part.kind === "reasoning") {
      if (!this.#showsSummary()) return [done];
      const summary = { type: "summary_text", text: whole };
      return [
        { ...at, type: "response.reasoning_summary_text.done", text: whole },
        { ...at, type: "response.reasoning_summary_part.done", part: summary },
        done,
      ];
    }
    if (part.kind === "tool_call") {
      const call: ResponseEvent = part.freeText
        ? { ...at, type: "response.custom_tool_call_input.done", input: whole }
        : { ...at, type: "response.function_call_arguments.done", arguments: whole };
      return [part.freeText ? call : ({ ...call, name: part.name } as ResponseEvent), done];
    }
    const text: ResponseEvent =
      part.kind === "refusal"
        ? { ...at, type: "response.refusal.done", refusal: whole }
        : { ...at, type: "response.output_text.done", text: whole, logprobs: [] };
    return [text, { ...at, type: "response.content_part.done", part: contentPart(part, whole) }, done];
  }

  // Where an event belongs: its item, and the piece of it.
  #at(part: AnswerPart, index: number): ResponseEvent {
    const place = { item_id: this.#id(part, index), output_index: index };
    if (part.kind === "tool_call") return place;
    return part.kind === "reasoning" ? { ...place, summary_index: 0 } : { ...place, content_index: 0 };
  }

  #item(part: AnswerPart, index: number, status: Status): OutputItem {
    const id = this.#id(part, index);
    const whole = part.tokens.join("");
    if (part.kind === "reasoning") {
      const summary = this.#showsSummary() ? [{ type: "summary_text", text: whole }] : [];
      return { id, type: "reasoning", ...this.#encrypted(), summary };
    }
    if (part.kind !== "tool_call") {
      return { id, type: "message", status, content: [contentPart(part, whole)], role: "assistant" };
    }
    const call = { id, status, call_id: `call_${part.id}`, name: part.name };
    if (part.freeText) return { ...call, type: "custom_tool_call", input: whole };
    return { ...call, type: "function_call", arguments: whole };
  }

  #encrypted(): OutputItem {
    const asked = this.#request.include?.includes("reasoning.encrypted_content") === true;
    return asked ? { encrypted_content: encryptedReasoning(this.#stamp.id) } : {};
  }

  #id(part: AnswerPart, index: number): string {
    const follows = part.kind !== "reasoning" && this.#candidate.parts.some(({ kind }) => kind === "reasoning");
    return itemId(PREFIXES[part.kind], this.#stamp.id, index, follows);
  }

  #showsSummary(): boolean {
    return Boolean(this.#request.reasoning?.summary);
  }

  #status(): Status {
    const { finish } = this.#candidate;
    if (finish === undefined) return "in_progress";
    return finish === "stop" || finish === "tool_calls" ? "completed" : "incomplete";
  }

  #usage(): ResponseObject {
    return this.#answer.usage ? { usage: usageOf(this.#answer.usage) } : {};
  }

  #response(status: Status, output: OutputItem[]): ResponseObject {
    const request = this.#request;
    const { createdSeconds, id } = this.#stamp;
    const reason = REASONS[this.#candidate.finish ?? ""] ?? this.#candidate.finish;
    const response = {
      id: `resp_${id}`,
      object: "response",
      created_at: createdSeconds,
      status,
      background: false,
      completed_at: status === "completed" ? createdSeconds : null,
      error: null,
      incomplete_details: status === "incomplete" ? { reason } : null,
      instructions: request.instructions ?? null,
      max_output_tokens: request.max_output_tokens ?? null,
      max_tool_calls: request.max_tool_calls ?? null,
      model: request.model,
      output,
      parallel_tool_calls: request.parallel_tool_calls ?? true,
      previous_response_id: null,
      prompt_cache_key: request.prompt_cache_key ?? null,
      prompt_cache_retention: request.prompt_cache_retention ?? null,
      reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
      safety_identifier: request.safety_identifier ?? null,
      service_tier: status === "in_progress" ? "auto" : "default",
      store: request.store ?? true,
      temperature: request.temperature ?? 1,
      text: { format: request.text?.format ?? { type: "text" }, verbosity: request.text?.verbosity ?? "medium" },
      tool_choice: request.tool_choice ?? "auto",
      tools: (request.tools ?? []).map(declared),
      top_logprobs: request.top_logprobs ?? 0,
      top_p: request.top_p ?? 1,
      truncation: request.truncation ?? "disabled",
      user: null,
      metadata: request.metadata ?? {},
    };
    return response as ResponseObject;
  }
}

const PADDING = "PadPadPadPadPad0";
const PREFIXES = { reasoning: "rs", text: "msg", refusal: "msg", tool_call: "fc" } as const;
const REASONS: Readonly<Record<string, string>> = { length: "max_output_tokens" };

// A tool is told back with what it was taken for.
function declared(tool: { readonly type: string }): object {
  return tool.type === "function" ? { strict: true, parameters: null, description: null, ...tool } : tool;
}

function contentPart(part: AnswerPart, text: string): ContentPart {
  if (part.kind === "refusal") return { type: "refusal", refusal: text };
  return { type: "output_text", annotations: [], logprobs: [], text };
}

function usageOf(usage: Usage): ResponseUsage {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: usage.cacheWrittenTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}
