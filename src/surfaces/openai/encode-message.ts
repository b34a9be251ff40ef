import type { Part, TokenLogprob } from "../../contract/index.ts";
import {
  encodeAnnotations,
  encodeAudio,
  encodeImage,
  encodeLogprobs,
  encodeToolCall,
  isAudio,
  isCallersCall,
  type AnnotationOut,
  type AudioOut,
  type ImageOut,
} from "./encode-parts.ts";
import { DetailEncoder, PIECE_SEPARATOR, reasoningText, type ReasoningDetailOut } from "./encode-reasoning.ts";

/** A choice's `message` and `logprobs`. */
export interface EncodedMessage {
  readonly message: Record<string, unknown>;
  readonly logprobs: Record<string, unknown> | null;
}

/** Projects an answer's ordered parts on the members of a chat.completions message. */
export function encodeMessage(parts: readonly Part[], legacyFunctions: boolean): EncodedMessage {
  const collected = collect(parts);
  const { texts, refusals, calls, audio, images, annotations, reasoning, details, logprobs } = collected;
  const content = texts.join("");
  const hasOther = calls.length > 0 || refusals.length > 0 || audio !== undefined || images.length > 0;
  const message: Record<string, unknown> = {
    role: "assistant",
    content: content === "" && hasOther ? null : content,
    refusal: refusals.length > 0 ? refusals.join("") : null,
  };
  if (reasoning.length > 0) message["reasoning_content"] = reasoning.join(PIECE_SEPARATOR);
  if (details.length > 0) message["reasoning_details"] = details;
  if (annotations.length > 0) message["annotations"] = annotations;
  if (audio) message["audio"] = audio;
  if (images.length > 0) message["images"] = images;
  const [first] = calls;
  if (first && legacyFunctions) message["function_call"] = first.function;
  // The legacy member holds one call; more than one show in full beside it.
  if (first && (!legacyFunctions || calls.length > 1)) message["tool_calls"] = calls;
  return { message, logprobs: logprobs.length > 0 ? { content: encodeLogprobs(logprobs), refusal: null } : null };
}

class Collected {
  readonly texts: string[] = [];
  readonly refusals: string[] = [];
  readonly calls: ReturnType<typeof encodeToolCall>[] = [];
  audio: AudioOut | undefined;
  readonly images: ImageOut[] = [];
  readonly annotations: AnnotationOut[] = [];
  readonly reasoning: string[] = [];
  readonly details: ReasoningDetailOut[] = [];
  readonly logprobs: TokenLogprob[] = [];
}

function collect(parts: readonly Part[]): Collected {
  const collected = new Collected();
  const encoder = new DetailEncoder();
  for (const part of parts) {
    collectPart(part, collected);
    collected.details.push(...encoder.encode(part));
  }
  return collected;
}

function collectPart(part: Part, collected: Collected): void {
  const { kind } = part;
  switch (kind.case) {
    case "text":
      collected.annotations.push(...encodeAnnotations(kind.value.text, kind.value.citations, collected.texts));
      collected.texts.push(kind.value.text);
      collected.logprobs.push(...kind.value.logprobs);
      return;
    case "refusal":
      collected.refusals.push(kind.value.text);
      return;
    case "reasoning": {
      const text = reasoningText(kind.value);
      if (text !== "") collected.reasoning.push(text);
      return;
    }
    case "toolCall":
      if (isCallersCall(kind.value)) collected.calls.push(encodeToolCall(kind.value));
      return;
    case "media": {
      if (isAudio(part)) collected.audio ??= encodeAudio(kind.value);
      const image = encodeImage(kind.value);
      if (image) collected.images.push(image);
      return;
    }
    default:
      // What the provider's own tools did has no member in this format.
      return;
  }
}
