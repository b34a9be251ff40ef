import { create } from "@bufbuild/protobuf";
import {
  Executor,
  FinishReason,
  OpaquePartSchema,
  OpaqueStateSchema,
  OriginSchema,
  PartSchema,
  candidateFinished,
  refusalPart,
  textPart,
  type BlockWriter,
  type OpaqueState,
  type StreamEvent,
  type TokenLogprob,
} from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { receivedObjects } from "../received-json.ts";
import { tokenLogprobs } from "../token-logprobs.ts";
import { CandidateBlocks } from "./candidate-blocks.ts";
import { citationOf, sourcesOf } from "./citations.ts";
import { finishReason } from "./finish-reason.ts";
import { AudioBlock, imagePart } from "./media-blocks.ts";
import { EXTRA_CONTENT_FORMAT, REASONING_DETAIL_FORMAT, originOf } from "./provider-state.ts";
import { ReasoningBlocks } from "./reasoning-blocks.ts";
import type { OpenAiChatSettings } from "./settings.ts";
import { ToolCallBlocks } from "./tool-call-blocks.ts";
import type {
  AnswerFields,
  ChatCompletionMessage,
  ChunkChoice,
  ExecutedTool,
  JsonObject,
  Nullable,
  ReceivedContentPart,
} from "./wire.ts";

const MAX_EXECUTED_TOOLS = 1024;

/** Reads one candidate: pieces of it, or the whole, become blocks. */
export class CandidateReader {
  readonly #index: number;
  readonly #target: DialectTarget;
  readonly #settings: OpenAiChatSettings;
  readonly #whole: boolean;
  readonly #blocks: CandidateBlocks;
  readonly #calls: ToolCallBlocks;
  #reasoning: ReasoningBlocks | undefined;
  #audio: AudioBlock | undefined;
  #text = -1;
  #refusal = -1;
  #extraContent: JsonObject | undefined;
  #executed: Map<number, ExecutedTool> | undefined;
  #finishWord: string | undefined;
  #nativeWord: string | undefined;
  #filtered: string | undefined;

  constructor(
    index: number,
    writer: BlockWriter,
    target: DialectTarget,
    settings: OpenAiChatSettings,
    whole: boolean,
    newId: (prefix: string) => string,
  ) {
    this.#index = index;
    this.#target = target;
    this.#settings = settings;
    this.#whole = whole;
    this.#blocks = new CandidateBlocks(writer, index);
    this.#calls = new ToolCallBlocks(this.#blocks, newId);
  }

  /** The provider's word for why the candidate ended; undefined until it was said. */
  get finishWord(): string | undefined {
    return this.#finishWord;
  }

  /** Takes a choice of a chunk, or of a whole answer, in. */
  take(choice: ChunkChoice, out: StreamEvent[]): void {
    this.#blocks.out = out;
    const { finish_reason: word } = choice;
    // A whole message inside a stream counts only where nothing came before it: some vendors repeat what they sent.
    const delta = choice.delta ?? (this.#blocks.opened === 0 ? choice.message : undefined);
    if (delta) this.#takeMessage(delta, choice);
    if (typeof word === "string" && (word !== "" || this.#whole)) {
      this.#finishWord = word;
      const { native_finish_reason: native } = choice;
      if (typeof native === "string" && native !== "") this.#nativeWord = native;
    }
    if (choice.content_filter_results) this.#filtered = filteredCategories(choice.content_filter_results);
  }

  /** Ends the candidate: closes its blocks and says why it ended. */
  finish(out: StreamEvent[], answer: Pick<AnswerFields, "citations" | "search_results">): void {
    this.#blocks.out = out;
    const word = this.#finishWord ?? "";
    this.#calls.finish((extraContent) => this.#state(EXTRA_CONTENT_FORMAT, JSON.stringify(extraContent)));
    this.#reasoning?.finish((json) => this.#state(REASONING_DETAIL_FORMAT, json));
    this.#finishText(answer);
    for (const [index, tool] of this.#executed ?? []) this.#addExecuted(index, tool);
    this.#blocks.closeAll();
    const reason = finishReason(word, this.#calls.count > 0);
    const category = reason === FinishReason.CONTENT_FILTER ? this.#filtered : undefined;
    out.push(
      candidateFinished(this.#index, reason, this.#nativeWord ?? word, category === undefined ? {} : { category }),
    );
  }

  #takeMessage(delta: ChatCompletionMessage, choice: ChunkChoice): void {
    this.#takeReasoning(delta);
    const { content, refusal } = delta;
    const { logprobs } = choice;
    if (typeof content === "string") {
      if (content !== "" || logprobs?.content) this.#takeText(content, tokenLogprobs(logprobs?.content));
    } else if (Array.isArray(content)) for (const piece of content) this.#takePiece(piece);
    else if (logprobs?.content && logprobs.content.length > 0) this.#takeText("", tokenLogprobs(logprobs.content));
    if (typeof refusal === "string" && refusal !== "") this.#takeRefusal(refusal, tokenLogprobs(logprobs?.refusal));
    if (delta.images) for (const { image_url: image } of receivedObjects(delta.images)) this.#takeImage(image?.url);
    if (delta.audio) (this.#audio ??= new AudioBlock(this.#blocks)).take(delta.audio);
    if (delta.tool_calls) this.#calls.take(receivedObjects(delta.tool_calls), this.#whole);
    if (delta.function_call) this.#calls.takeLegacy(delta.function_call);
    if (delta.annotations) {
      for (const annotation of receivedObjects(delta.annotations)) this.#cite(citationOf(annotation, this.#settings));
    }
    if (delta.extra_content) this.#extraContent = delta.extra_content;
    if (delta.executed_tools) this.#takeExecuted(receivedObjects(delta.executed_tools));
  }

  #takeReasoning(delta: ChatCompletionMessage): void {
    const text = delta.reasoning_content || delta.reasoning;
    const details = delta.reasoning_details;
    if (details && details.length > 0) {
      const hasText = (this.#reasoning ??= new ReasoningBlocks(this.#blocks)).takeDetails(
        receivedObjects(details),
        this.#whole,
      );
      if (hasText) return;
    }
    if (typeof text === "string" && text !== "") {
      (this.#reasoning ??= new ReasoningBlocks(this.#blocks)).takeText(text);
    }
  }

  #takePiece(piece: ReceivedContentPart): void {
    const { thinking } = piece;
    if (typeof piece.text === "string") this.#takeText(piece.text, []);
    else if (typeof piece.refusal === "string") this.#takeRefusal(piece.refusal, []);
    else if (piece.image_url)
      this.#takeImage(typeof piece.image_url === "string" ? piece.image_url : piece.image_url.url);
    else if (typeof thinking === "string") this.#takeReasoning({ reasoning_content: thinking });
    else if (Array.isArray(thinking)) {
      for (const { text } of thinking as ReceivedContentPart[]) this.#takeReasoning({ reasoning_content: text });
    } else {
      const origin = create(OriginSchema, originOf(this.#target));
      const opaque = create(OpaquePartSchema, {
        origin,
        nativeType: typeof piece.type === "string" ? piece.type.slice(0, 256) : "",
        json: JSON.stringify(piece),
      });
      this.#blocks.whole(create(PartSchema, { kind: { case: "opaque", value: opaque } }));
    }
  }

  #takeText(text: string, logprobs: TokenLogprob[]): void {
    if (this.#text < 0) {
      if (text === "" && logprobs.length === 0) return;
      this.#text = this.#blocks.open(textPart(""));
    }
    this.#blocks.text(this.#text, "text", text, logprobs);
  }

  #takeRefusal(text: string, logprobs: TokenLogprob[]): void {
    if (this.#refusal < 0) this.#refusal = this.#blocks.open(refusalPart(""));
    this.#blocks.text(this.#refusal, "refusal", text, logprobs);
  }

  #takeImage(url: Nullable<string>): void {
    if (typeof url === "string" && url !== "") this.#blocks.whole(imagePart(url));
  }

  #cite(citation: ReturnType<typeof citationOf>): void {
    if (this.#text < 0) this.#text = this.#blocks.open(textPart(""));
    this.#blocks.delta(this.#text, { case: "citation", value: citation });
  }

  #takeExecuted(tools: readonly ExecutedTool[]): void {
    const executed = (this.#executed ??= new Map<number, ExecutedTool>());
    for (const tool of tools) {
      const index = typeof tool.index === "number" ? tool.index : executed.size;
      if (executed.size >= MAX_EXECUTED_TOOLS && !executed.has(index)) {
        throw new ParleyError("PROVIDER_BAD_OUTPUT", "Cannot read the answer: it lists too many tools that were run");
      }
      executed.set(index, { ...executed.get(index), ...tool });
    }
  }

  // What the provider ran is kept beside the answer, and never looks like a call that the caller is to run.
  #addExecuted(index: number, tool: ExecutedTool): void {
    const callId = `executed_${index}`;
    const name = String(tool.name ?? tool.type ?? "tool").slice(0, 256) || "tool";
    const shared = { callId, name, executor: Executor.PROVIDER, nativeType: "executed_tools" };
    const input =
      typeof tool.arguments === "string" && tool.arguments !== ""
        ? ({ case: "argumentsJson", value: tool.arguments } as const)
        : ({ case: undefined } as const);
    this.#blocks.whole(create(PartSchema, { kind: { case: "toolCall", value: { ...shared, input } } }));
    const content = typeof tool.output === "string" ? [textPart(tool.output)] : [];
    const value = { ...shared, content, nativeJson: JSON.stringify(tool) };
    this.#blocks.whole(create(PartSchema, { kind: { case: "toolResult", value } }));
  }

  #finishText(answer: Pick<AnswerFields, "citations" | "search_results">): void {
    if (this.#text >= 0) {
      for (const citation of sourcesOf(answer)) this.#cite(citation);
    }
    if (!this.#extraContent) return;
    const state = this.#state(EXTRA_CONTENT_FORMAT, JSON.stringify(this.#extraContent));
    if (this.#text >= 0) this.#blocks.delta(this.#text, { case: "state", value: state });
    else this.#blocks.whole(create(PartSchema, { state: [state] }));
  }

  #state(format: string, text: string): OpaqueState {
    return create(OpaqueStateSchema, {
      origin: originOf(this.#target),
      format,
      payload: { case: "text", value: text },
    });
  }
}

function filteredCategories(results: unknown): string | undefined {
  if (typeof results !== "object" || results === null) return undefined;
  const names = Object.entries(results).flatMap(([name, result]) =>
    (result as { readonly filtered?: unknown } | null)?.filtered === true ? [name] : [],
  );
  return names.length > 0 ? names.join(", ") : undefined;
}
