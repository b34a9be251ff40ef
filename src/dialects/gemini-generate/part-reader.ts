import { create } from "@bufbuild/protobuf";
import {
  Modality,
  OpaquePartSchema,
  PartSchema,
  ReasoningVisibility,
  reasoningPart,
  textPart,
  type OpaqueState,
  type Part as ContractPart,
  type TokenLogprob,
} from "../../contract/index.ts";
import type { DialectTarget } from "../dialect.ts";
import { jsonText } from "../json-text.ts";
import type { JsonObjectTree } from "../json-tree.ts";
import type { AnswerBlocks } from "../answer-blocks.ts";
import type { CitedText } from "./citations.ts";
import { objectAt } from "./parse-answer.ts";
import { PART_FORMAT, SIGNATURE_FORMAT, originOf, stateOf } from "./provider-state.ts";
import {
  SERVER_CALLS,
  SERVER_RESULTS,
  serverCallPart,
  serverResultPart,
  serverToolName,
  wireId,
} from "./server-tools.ts";
import type { ToolCallBlocks } from "./tool-call-blocks.ts";
import type { Blob, Part } from "./wire.ts";
import { wordSet } from "../drift.ts";

// Members that go with a part and are not its content.
const BESIDE = wordSet(
  `thought thoughtSignature partMetadata videoMetadata mediaResolution mediaProcessing speechMetadata`,
);

interface OpenBlock {
  readonly kind: "text" | "reasoning" | "audio";
  readonly block: number;
  readonly mimeType?: string;
}

/**
 * Reads the parts of one candidate. Parts of a stream are pieces without identity: what has the kind of the part before
 * goes on with it. A part with a signature stands for itself, because the provider wants it back on the very part.
 */
export class PartReader {
  readonly #blocks: AnswerBlocks;
  readonly #calls: ToolCallBlocks;
  readonly #target: DialectTarget;
  readonly #newId: (prefix: string) => string;
  #open: OpenBlock | undefined;
  readonly #textBlocks: number[] = [];
  readonly #lastStep = new Map<string, string>();

  constructor(blocks: AnswerBlocks, calls: ToolCallBlocks, target: DialectTarget, newId: (prefix: string) => string) {
    this.#blocks = blocks;
    this.#calls = calls;
    this.#target = target;
    this.#newId = newId;
  }

  /** The answer's text so far, by block; all of them are open. */
  texts(): CitedText[] {
    return this.#textBlocks.map((block) => {
      const { kind } = this.#blocks.part(block);
      return { block, text: kind.case === "text" ? kind.value.text : "" };
    });
  }

  /** Takes a part in. `raw` takes its text apart. */
  take(part: Part, raw: () => JsonObjectTree): void {
    const signature = typeof part.thoughtSignature === "string" ? part.thoughtSignature || undefined : undefined;
    if (part.functionCall) {
      this.#open = undefined;
      this.#calls.take(raw(), signature);
      return;
    }
    if (part.functionResponse) {
      this.#open = undefined;
      this.#calls.takeResult(raw());
      return;
    }
    const { text } = part;
    if (text === "" && signature === undefined) return;
    this.#calls.flush();
    if (typeof text === "string") this.#takeText(text, part.thought === true, signature);
    else if (part.inlineData && part.thought !== true)
      this.#takeBlob(part.inlineData, part.audioTranscription?.text, signature);
    else this.#takeOther(part, raw, signature);
  }

  /** Takes log probabilities of the text before in. */
  takeLogprobs(logprobs: TokenLogprob[]): void {
    const block = this.#textBlocks.at(-1);
    if (block !== undefined) this.#blocks.text(block, "text", "", logprobs);
  }

  #takeText(text: string, isThought: boolean, signature: string | undefined): void {
    const kind = isThought ? "reasoning" : "text";
    if (text === "") {
      this.#open = undefined;
      const part = isThought ? thoughtPart() : create(PartSchema);
      part.state.push(...this.#state(signature));
      this.#blocks.whole(part);
      return;
    }
    if (signature !== undefined || this.#open?.kind !== kind) {
      const block = this.#blocks.open(isThought ? thoughtPart() : textPart(""));
      if (!isThought) this.#textBlocks.push(block);
      this.#open = { kind, block };
    }
    const { block } = this.#open;
    this.#blocks.text(block, isThought ? "reasoningText" : "text", text);
    if (signature === undefined) return;
    for (const state of this.#state(signature)) this.#blocks.delta(block, { case: "state", value: state });
    this.#open = undefined;
  }

  #takeBlob({ mimeType, data }: Blob, transcript: unknown, signature: string | undefined): void {
    const type = typeof mimeType === "string" ? mimeType.slice(0, 255) : "application/octet-stream";
    const bytes = new Uint8Array(Buffer.from(typeof data === "string" ? data : "", "base64"));
    const modality = modalityOf(type);
    const state = this.#state(signature);
    if (modality !== Modality.AUDIO || state.length > 0) {
      this.#open = undefined;
      const source = { case: "inline", value: bytes } as const;
      const value = { modality, mimeType: type, source, ...(typeof transcript === "string" ? { transcript } : {}) };
      this.#blocks.whole(create(PartSchema, { kind: { case: "media", value }, state }));
      return;
    }
    // Sound comes in pieces of samples without a header, also where the answer is not streamed.
    if (this.#open?.kind !== "audio" || this.#open.mimeType !== type) {
      const block = this.#blocks.open(
        create(PartSchema, { kind: { case: "media", value: { modality, mimeType: type } } }),
      );
      this.#open = { kind: "audio", block, mimeType: type };
    }
    this.#blocks.delta(this.#open.block, { case: "media", value: bytes });
    if (typeof transcript === "string") this.#blocks.text(this.#open.block, "transcript", transcript);
  }

  #takeOther(part: Part, raw: () => JsonObjectTree, signature: string | undefined): void {
    this.#open = undefined;
    const nativeType = Object.keys(part).find((member) => !BESIDE.has(member) && part[member as keyof Part] !== null);
    if (nativeType === undefined) {
      if (signature !== undefined) this.#takeText("", part.thought === true, signature);
    } else if (SERVER_CALLS.has(nativeType) || SERVER_RESULTS.has(nativeType)) this.#takeStep(nativeType, raw());
    else if (nativeType === "fileData" && part.thought !== true) this.#takeFile(part, signature);
    else this.#takeUnknown(nativeType, raw());
  }

  // Code and its result may have no ids: then the result belongs to the step before.
  #takeStep(nativeType: string, part: JsonObjectTree): void {
    const object = objectAt(part, nativeType);
    const isCall = SERVER_CALLS.has(nativeType);
    const family = nativeType === "executableCode" || nativeType === "codeExecutionResult" ? "code" : "tool";
    const before = isCall ? undefined : this.#lastStep.get(family);
    const callId = wireId(object) ?? before ?? this.#newId("call");
    this.#lastStep.set(family, callId);
    const step = { callId, name: serverToolName(nativeType, object), nativeType };
    const state = stateOf(this.#target, PART_FORMAT, jsonText(part));
    this.#blocks.whole(isCall ? serverCallPart(step, part, state) : serverResultPart(step, part, state));
  }

  #takeFile({ fileData }: Part, signature: string | undefined): void {
    const { fileUri, mimeType } = fileData ?? {};
    const type = typeof mimeType === "string" ? mimeType.slice(0, 255) : undefined;
    const value = {
      modality: modalityOf(type ?? ""),
      source: { case: "url", value: String(fileUri ?? "") } as const,
      ...(type === undefined ? {} : { mimeType: type }),
    };
    this.#blocks.whole(create(PartSchema, { kind: { case: "media", value }, state: this.#state(signature) }));
  }

  #takeUnknown(nativeType: string, part: JsonObjectTree): void {
    const opaque = create(OpaquePartSchema, {
      origin: originOf(this.#target),
      nativeType: nativeType.slice(0, 256),
      json: jsonText(part),
    });
    this.#blocks.whole(create(PartSchema, { kind: { case: "opaque", value: opaque } }));
  }

  #state(signature: string | undefined): OpaqueState[] {
    return signature === undefined ? [] : [stateOf(this.#target, SIGNATURE_FORMAT, signature)];
  }
}

// What the provider shows of reasoning are summaries, in the place of the reasoning itself.
// Source: https://ai.google.dev/gemini-api/docs/thinking#summaries.
function thoughtPart(): ContractPart {
  const part = reasoningPart("");
  if (part.kind.case === "reasoning") part.kind.value.visibility = ReasoningVisibility.SUMMARY;
  return part;
}

function modalityOf(mimeType: string): Modality {
  if (mimeType.startsWith("image/")) return Modality.IMAGE;
  if (mimeType.startsWith("audio/")) return Modality.AUDIO;
  return mimeType.startsWith("video/") ? Modality.VIDEO : Modality.DOCUMENT;
}
