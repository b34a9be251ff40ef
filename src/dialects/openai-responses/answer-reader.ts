import {
  BlockWriter,
  FinishReason,
  UsageSource,
  candidateFinished,
  completed,
  started,
  usageUpdated,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { AnswerBlocks } from "../answer-blocks.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { Drift } from "../drift.ts";
import { badOutput } from "../received-json.ts";
import { AnswerItems, isItem, memberText } from "./answer-items.ts";
import { errorFromBody, errorInside } from "./decode-error.ts";
import { decodeUsage } from "./decode-usage.ts";
import { finishReason, isKnownIncompleteReason } from "./finish-reason.ts";
import { ANSWER_MEMBERS, EVENT_MEMBERS, USAGE_MEMBERS, isPassing } from "./known-members.ts";
import { originOf } from "./provider-state.ts";
import { rulesOf } from "./target-rules.ts";
import type { ResponseEvent, ResponseObject } from "./wire.ts";

// How an answer may end, the better before the worse.
const ENDINGS: readonly string[] = ["completed", "incomplete", "cancelled", "failed"];
const MAX_WORD_CHARS = 64;

/** Reads one answer, event by event or whole. Both yield the same events. */
export class AnswerReader {
  readonly #target: DialectTarget;
  readonly #drift: Drift;
  readonly #blocks = new AnswerBlocks(new BlockWriter(), 0);
  readonly #items: AnswerItems;
  #started = false;
  #last: { readonly answer: ResponseObject; readonly status: string } | undefined;

  constructor(target: DialectTarget, options: DecodeOptions) {
    this.#target = target;
    this.#drift = new Drift(options.onUnknown);
    this.#items = new AnswerItems({
      blocks: this.#blocks,
      target,
      rules: rulesOf(target.facts),
      drift: this.#drift,
      newId: options.newId,
    });
  }

  /** Whether the answer has said how it ended. */
  get ended(): boolean {
    return this.#last !== undefined;
  }

  /** Takes an event in; `data` is its JSON text. Throws `ParleyError` where it is the error that ends the stream. */
  take(type: string, event: ResponseEvent, data: string, out: StreamEvent[]): void {
    this.#blocks.out = out;
    if (!type.endsWith(".delta")) this.#drift.members(event, EVENT_MEMBERS, `${type.slice(0, MAX_WORD_CHARS)}.`);
    switch (type) {
      case "response.created":
      case "response.in_progress":
      case "response.queued":
        this.#start(event.response ?? {}, out);
        return;
      case "response.output_item.added":
        this.#start({}, out);
        if (isItem(event.item)) this.#items.begin(event.output_index ?? undefined, event.item);
        return;
      case "response.output_item.done":
        this.#start({}, out);
        if (isItem(event.item)) {
          this.#items.finish(event.output_index ?? undefined, event.item, () => memberText(data, "item"));
        }
        return;
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled":
        this.#end(type.slice("response.".length), event.response ?? {}, data, out);
        return;
      default:
        this.#takePiece(type, event, out);
    }
  }

  /** Takes a whole answer in; `body` is its JSON text. Throws `ParleyError` where it is none. */
  takeWhole(answer: ResponseObject, body: string, out: StreamEvent[]): void {
    this.#blocks.out = out;
    const error = errorInside(answer, this.#target);
    if (error) throw error;
    const { status } = answer;
    if (!Array.isArray(answer.output)) throw badOutput(this.#target, "it has no output");
    if (typeof status !== "string" || !ENDINGS.includes(status)) throw unfinished(this.#target, status);
    this.#start(answer, out);
    this.#take(answer, () => memberText(body, "output"));
    this.#last = { answer, status };
  }

  /** Appends what is due at the end. Throws `ParleyError` where the answer is not complete. */
  finish(out: StreamEvent[]): void {
    this.#blocks.out = out;
    const { provider, model } = this.#target;
    if (!this.#last) {
      const message = `Cannot complete the answer of ${provider}/${model}: it ended without saying how`;
      throw new ParleyError("STREAM_INTERRUPTED", message);
    }
    const { answer, status } = this.#last;
    this.#blocks.closeAll();
    const incompleteReason = wordOf(answer.incomplete_details?.reason);
    const { hasCalls, hasRefusal, awaitsApproval } = this.#items;
    const reason = finishReason({ status, incompleteReason, hasCalls, hasRefusal, awaitsApproval });
    const native = status === "incomplete" ? incompleteReason || status : status;
    if (reason === FinishReason.PROVIDER_ERROR) {
      const message = `Cannot finish the answer of ${provider}/${model}: it ended as ${native}`;
      throw new ParleyError("PROVIDER_ERROR", message, { upstream: { code: native } });
    }
    if (status === "incomplete" && !isKnownIncompleteReason(incompleteReason)) {
      this.#drift.note(`incomplete_details.reason=${incompleteReason}`);
    }
    const category = reason === FinishReason.CONTENT_FILTER ? filteredCategories(answer) : undefined;
    out.push(candidateFinished(0, reason, native, category === undefined ? {} : { category }));
    const tier = answer.service_tier;
    out.push(
      completed({
        ...(answer.usage ? { usage: this.#usage(answer) } : {}),
        ...(typeof tier === "string" && tier !== "" ? { serviceTier: tier } : {}),
      }),
    );
  }

  #takePiece(type: string, event: ResponseEvent, out: StreamEvent[]): void {
    if (isPassing(type)) return;
    if (!isPiece(type)) {
      this.#drift.note(`event=${type.slice(0, MAX_WORD_CHARS)}`);
      return;
    }
    this.#start({}, out);
    this.#items.take(type, event);
  }

  #end(event: string, answer: ResponseObject, data: string, out: StreamEvent[]): void {
    this.#start(answer, out);
    const status = endingOf(event, answer.status);
    if (status === undefined) throw unfinished(this.#target, answer.status);
    if (status === "failed") {
      // What the failure cost is still worth knowing.
      if (answer.usage) out.push(usageUpdated(this.#usage(answer)));
      throw errorFromBody({ error: answer.error ?? { code: "server_error" } }, this.#target);
    }
    this.#take(answer, () => memberText(data, "response", "output"));
    this.#last = { answer, status };
  }

  #take(answer: ResponseObject, outputText: () => string): void {
    this.#drift.members(answer, ANSWER_MEMBERS, "response.");
    this.#drift.members(answer.usage, USAGE_MEMBERS, "response.usage.");
    this.#items.finishAll(Array.isArray(answer.output) ? answer.output : [], outputText);
  }

  #usage(answer: ResponseObject): ReturnType<typeof decodeUsage> {
    return decodeUsage(answer.usage ?? {}, answer.tool_usage, this.#items.searches, UsageSource.REPORTED);
  }

  #start(answer: ResponseObject, out: StreamEvent[]): void {
    if (this.#started) return;
    this.#started = true;
    const { region } = this.#target;
    const fingerprint = answer.metadata?.["system_fingerprint"];
    out.push(
      started({
        origin: {
          ...originOf(this.#target),
          ...(isText(answer.model) ? { servedModel: answer.model.slice(0, 256) } : {}),
          ...(region === undefined ? {} : { region }),
        },
        ...(isText(answer.id) ? { upstreamId: answer.id } : {}),
        ...(isText(fingerprint) ? { systemFingerprint: fingerprint } : {}),
      }),
    );
  }
}

const PIECE =
  /^response\.(output_text|refusal|content_part|reasoning|reasoning_text|reasoning_summary|reasoning_summary_text|reasoning_summary_part|function_call_arguments|custom_tool_call_input|mcp_call_arguments|code_interpreter_call_code)\.(added|delta|done|annotation\.added)$/;

function isPiece(type: string): boolean {
  return PIECE.test(type);
}

/**
 * How an answer has ended: as its status says, or the event's name where that is worse or the only one to tell.
 * Undefined: the event says that it is complete, and its status that it is not finished.
 */
function endingOf(event: string, status: unknown): string | undefined {
  if (status === undefined || status === null || status === event) return event;
  const byStatus = ENDINGS.indexOf(wordOf(status));
  if (byStatus < 0) return event === "completed" ? undefined : event;
  return ENDINGS[Math.max(byStatus, ENDINGS.indexOf(event))];
}

function unfinished(target: DialectTarget, status: unknown): ParleyError {
  return badOutput(target, `it is not finished: its status is ${wordOf(status) || "not told"}`);
}

function filteredCategories({ content_filters: filters }: ResponseObject): string | undefined {
  if (!Array.isArray(filters)) return undefined;
  const names = filters.flatMap((filter) =>
    Object.entries(filter?.content_filter_results ?? {}).flatMap(([name, verdict]) =>
      verdict?.filtered === true ? [name] : [],
    ),
  );
  return names.length > 0 ? [...new Set(names)].join(", ") : undefined;
}

function wordOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_WORD_CHARS) : "";
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
