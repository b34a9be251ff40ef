import { create } from "@bufbuild/protobuf";
import {
  BlockWriter,
  FinishReason,
  PartSchema,
  UsageSource,
  candidateFinished,
  completed,
  started,
  usageUpdated,
  type StreamEvent,
} from "../../contract/index.ts";
import { ParleyError, redact, shorten } from "../../errors/index.ts";
import { AnswerBlocks } from "../answer-blocks.ts";
import type { DecodeOptions, DialectTarget } from "../dialect.ts";
import { Drift, wordSet } from "../drift.ts";
import { originAt } from "../origin-rules.ts";
import { badOutput } from "../received-json.ts";
import type { BlockReader, BlockScope, BlockStart } from "./block-reader.ts";
import { decodeUsage, mergeUsage, servedTier } from "./decode-usage.ts";
import { DIALECT_ID } from "./encode-context.ts";
import { finishReason, isKnownFinishWord } from "./finish-reason.ts";
import { OpaqueReader } from "./opaque-blocks.ts";
import { CONTAINER_FORMAT, stateOf } from "./provider-state.ts";
import { RedactedReader, TextReader, ThinkingReader } from "./text-blocks.ts";
import { ToolResultReader, ToolUseReader, isServerResult } from "./tool-blocks.ts";
import { checkEnding, checkMessage } from "./unknown-members.ts";
import type { ReceivedDelta, ReceivedEvent, ReceivedMessage, ReceivedUsage, StopDetails } from "./wire.ts";

const MAX_BLOCKS = 10_000;
const MAX_WORD_CHARS = 64;
const MAX_SENTENCE_CHARS = 512;
const BLOCK_DELTAS = wordSet("text_delta input_json_delta thinking_delta signature_delta citations_delta");

/** Reads one answer. A streamed one comes in pieces; a whole one comes at once. Both yield the same events. */
export class AnswerReader {
  readonly #target: DialectTarget;
  readonly #whole: boolean;
  readonly #scope: BlockScope;
  readonly #open = new Map<number, BlockReader>();
  #started = false;
  #blockCount = 0;
  #callCount = 0;
  #usage: ReceivedUsage | undefined;
  #finishWord: string | undefined;
  #stopSequence: string | undefined;
  #details: StopDetails | undefined;
  #container: string | undefined;

  constructor(target: DialectTarget, options: DecodeOptions, whole: boolean) {
    this.#target = target;
    this.#whole = whole;
    this.#scope = {
      blocks: new AnswerBlocks(new BlockWriter(), 0),
      target,
      drift: new Drift(options.onUnknown),
      newId: options.newId,
      toolNames: new Map<string, string>(),
    };
  }

  /** Told of everything that the codec does not know. */
  get drift(): Drift {
    return this.#scope.drift;
  }

  /** Takes the message in, without its blocks. */
  begin(message: ReceivedMessage, out: StreamEvent[]): void {
    if (this.#started) throw badOutput(this.#target, "it begins twice");
    checkMessage(message, this.drift);
    this.#start(message, out);
    this.#takeEnding(message);
    if (message.usage) this.#takeUsage(message.usage, out);
  }

  /** Takes the beginning of a block in, or the whole of it. */
  beginBlock(index: number, start: BlockStart, out: StreamEvent[]): void {
    if (!this.#started) this.#start({}, out);
    if (this.#blockCount >= MAX_BLOCKS) throw badOutput(this.#target, `it has more than ${MAX_BLOCKS} blocks`);
    // A server that does not say when a block ends begins the next one in its place.
    this.endBlock(index, out);
    this.#blockCount += 1;
    if (start.block.type === "tool_use") this.#callCount += 1;
    this.#scope.blocks.out = out;
    this.#open.set(index, makeReader(this.#scope, start));
  }

  /** Takes a piece of an open block in. */
  takeDelta(index: number, delta: ReceivedDelta, json: () => string, out: StreamEvent[]): void {
    const reader = this.#open.get(index);
    if (!reader) throw badOutput(this.#target, "a delta is for a block that is not open");
    this.#scope.blocks.out = out;
    if (reader.take(delta, json)) return;
    const type = String(delta.type);
    // What is known and belongs elsewhere cannot be left out without losing a part of the answer.
    if (BLOCK_DELTAS.has(type)) throw badOutput(this.#target, `a ${type} does not fit its block`);
    this.drift.note(`delta.type=${type}`);
  }

  /** Takes the end of a block in. */
  endBlock(index: number, out: StreamEvent[]): void {
    const reader = this.#open.get(index);
    if (!reader) return;
    this.#open.delete(index);
    this.#scope.blocks.out = out;
    reader.finish();
  }

  /** Takes in why a streamed message ends, and what it consumed. */
  takeMessageDelta(event: ReceivedEvent, out: StreamEvent[]): void {
    checkEnding(event, this.drift);
    if (!this.#started) this.#start({}, out);
    if (event.delta) this.#takeEnding(event.delta);
    if (event.usage && typeof event.usage === "object") this.#takeUsage(event.usage, out);
  }

  /** Appends what is due at the end. Throws `ParleyError` where the answer is not complete. */
  finish(out: StreamEvent[]): void {
    if (!this.#started) throw this.#incomplete("it holds no message");
    const word = this.#finishWord;
    if (word === undefined) throw this.#incomplete("it has no finish reason");
    this.#checkFinish(word);
    for (const index of this.#open.keys()) this.endBlock(index, out);
    this.#writeContainer(out);
    out.push(candidateFinished(0, finishReason(word, this.#callCount > 0), word, this.#finishMore()));
    const tier = this.#usage ? servedTier(this.#usage) : undefined;
    out.push(
      completed({
        ...(this.#usage ? { usage: decodeUsage(this.#usage, UsageSource.REPORTED) } : {}),
        ...(tier === undefined ? {} : { serviceTier: tier }),
      }),
    );
  }

  #start(message: ReceivedMessage, out: StreamEvent[]): void {
    this.#started = true;
    const { region } = this.#target;
    out.push(
      started({
        origin: {
          ...originAt(this.#target, DIALECT_ID),
          ...(isText(message.model) ? { servedModel: message.model.slice(0, 256) } : {}),
          ...(region === undefined ? {} : { region }),
        },
        ...(isText(message.id) ? { upstreamId: message.id } : {}),
      }),
    );
  }

  #takeEnding(ending: ReceivedMessage): void {
    if (isText(ending.stop_reason)) this.#finishWord = ending.stop_reason;
    if (isText(ending.stop_sequence)) this.#stopSequence = ending.stop_sequence;
    const container = ending.container?.["id"];
    if (isText(container)) this.#container = container;
    if (ending.stop_details && typeof ending.stop_details === "object") this.#details = ending.stop_details;
  }

  // What code that the provider runs has called is answered in the same container.
  #writeContainer(out: StreamEvent[]): void {
    if (this.#container === undefined) return;
    const { blocks } = this.#scope;
    blocks.out = out;
    const state = [stateOf(this.#target, CONTAINER_FORMAT, this.#container)];
    blocks.close(blocks.open(create(PartSchema, { state })));
  }

  #takeUsage(usage: ReceivedUsage, out: StreamEvent[]): void {
    this.#usage = mergeUsage(this.#usage, usage);
    const source = this.#finishWord === undefined ? UsageSource.PARTIAL : UsageSource.REPORTED;
    out.push(usageUpdated(decodeUsage(this.#usage, source)));
  }

  #finishMore(): { stopSequence?: string; category?: string; message?: string } {
    const { category, explanation } = this.#details ?? {};
    return {
      ...(this.#stopSequence === undefined ? {} : { stopSequence: this.#stopSequence }),
      ...(isText(category) ? { category: category.slice(0, MAX_WORD_CHARS) } : {}),
      ...(isText(explanation) ? { message: shorten(redact(explanation), MAX_SENTENCE_CHARS) } : {}),
    };
  }

  #checkFinish(word: string): void {
    const short = word.slice(0, MAX_WORD_CHARS);
    if (finishReason(word, false) === FinishReason.PROVIDER_ERROR) {
      const { provider, model } = this.#target;
      const message = `Cannot finish the answer of ${provider}/${model}: it ended with the finish reason ${short}`;
      throw new ParleyError("PROVIDER_ERROR", message, { upstream: { code: short } });
    }
    if (!isKnownFinishWord(word)) this.drift.note(`stop_reason=${short}`);
  }

  #incomplete(what: string): ParleyError {
    if (this.#whole) return badOutput(this.#target, what);
    const { provider, model } = this.#target;
    return new ParleyError("STREAM_INTERRUPTED", `Cannot complete the answer of ${provider}/${model}: ${what}`);
  }
}

function makeReader(scope: BlockScope, start: BlockStart): BlockReader {
  switch (start.block.type) {
    case "text":
      return new TextReader(scope, start);
    case "thinking":
      return new ThinkingReader(scope, start);
    case "redacted_thinking":
      return new RedactedReader(scope, start);
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return new ToolUseReader(scope, start);
    default:
      return isServerResult(start.block) ? new ToolResultReader(scope, start) : new OpaqueReader(scope, start);
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
