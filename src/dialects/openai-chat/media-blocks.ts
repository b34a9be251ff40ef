import { create } from "@bufbuild/protobuf";
import { Modality, PartSchema, type Part } from "../../contract/index.ts";
import type { CandidateBlocks } from "./candidate-blocks.ts";
import type { ChatCompletionMessage } from "./wire.ts";

type WireAudio = NonNullable<ChatCompletionMessage["audio"]>;

/** The spoken answer of one candidate. */
export class AudioBlock {
  readonly #blocks: CandidateBlocks;
  #block = -1;
  // Base64 that does not yet make up whole bytes.
  #carry = "";

  constructor(blocks: CandidateBlocks) {
    this.#blocks = blocks;
  }

  /** Takes a piece, or the whole, in. */
  take(audio: WireAudio): void {
    const { id, data, transcript, expires_at: expiresAt } = audio;
    if (!id && !data && !transcript) {
      this.#takeExpiry(expiresAt);
      return;
    }
    if (this.#block < 0) this.#block = this.#blocks.open(audioPart(id));
    if (typeof data === "string" && data !== "") this.#takeData(data);
    if (typeof transcript === "string" && transcript !== "") this.#blocks.text(this.#block, "transcript", transcript);
    this.#takeExpiry(expiresAt);
  }

  #takeData(data: string): void {
    const base64 = this.#carry + data;
    const usable = base64.endsWith("=") ? base64.length : base64.length - (base64.length % 4);
    this.#carry = base64.slice(usable);
    const bytes = new Uint8Array(Buffer.from(base64.slice(0, usable), "base64"));
    const { kind } = this.#blocks.part(this.#block);
    if (kind.case === "media" && kind.value.mimeType === undefined) {
      const type = audioType(bytes);
      if (type !== undefined) kind.value.mimeType = type;
    }
    if (bytes.length > 0) this.#blocks.delta(this.#block, { case: "media", value: bytes });
  }

  #takeExpiry(expiresAt: unknown): void {
    if (this.#block < 0 || typeof expiresAt !== "number" || !Number.isSafeInteger(expiresAt) || expiresAt <= 0) return;
    const { kind } = this.#blocks.part(this.#block);
    if (kind.case === "media") {
      kind.value.expiresAt = { $typeName: "google.protobuf.Timestamp", seconds: BigInt(expiresAt), nanos: 0 };
    }
  }
}

function audioPart(id: unknown): Part {
  return create(PartSchema, {
    kind: {
      case: "media",
      value: { modality: Modality.AUDIO, ...(typeof id === "string" && id !== "" ? { generatedId: id } : {}) },
    },
  });
}

// The wire does not say which of the formats came back. Raw samples have no mark; then the type stays unknown.
function audioType(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 4));
  if (head === "RIFF") return "audio/wav";
  if (head === "OggS") return "audio/ogg";
  if (head === "fLaC") return "audio/flac";
  if (head.startsWith("ID3")) return "audio/mpeg";
  return undefined;
}

const DATA_URL = /^data:([^;,]+)[^,]*;base64,/;

/** An image of an answer, from its address or `data:` URL. */
export function imagePart(url: string): Part {
  const inline = DATA_URL.exec(url);
  return create(PartSchema, {
    kind: {
      case: "media",
      value: inline
        ? {
            modality: Modality.IMAGE,
            mimeType: inline[1] ?? "",
            source: { case: "inline", value: new Uint8Array(Buffer.from(url.slice(inline[0].length), "base64")) },
          }
        : { modality: Modality.IMAGE, source: { case: "url", value: url } },
    },
  });
}
