import { create } from "@bufbuild/protobuf";
import { PartSchema, ReasoningVisibility, reasoningPart, type OpaqueState, type Part } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { CandidateBlocks } from "./candidate-blocks.ts";
import type { ReasoningDetail } from "./wire.ts";

const MAX_DETAILS = 1024;
const MAX_ID_CHARS = 512;

type Members = { [member: string]: unknown };

interface DetailBlock {
  readonly block: number;
  /** All members of the detail's fragments, put together; the provider wants it back whole. */
  readonly merged: Members;
}

/**
 * The reasoning of one candidate: plain text in one block, and one block per typed detail, whose state is the detail
 * itself.
 */
export class ReasoningBlocks {
  readonly #blocks: CandidateBlocks;
  #plain = -1;
  readonly #details: DetailBlock[] = [];
  readonly #byKey = new Map<string, DetailBlock>();

  constructor(blocks: CandidateBlocks) {
    this.#blocks = blocks;
  }

  /** Takes plain reasoning text in. */
  takeText(text: string): void {
    if (this.#plain < 0) this.#plain = this.#blocks.open(reasoningPart(""));
    this.#blocks.text(this.#plain, "reasoningText", text);
  }

  /** Takes typed details in. Tells whether they hold text, which then also stands in the plain member. */
  takeDetails(details: readonly ReasoningDetail[], whole: boolean): boolean {
    let hasText = false;
    for (const detail of details) {
      const place = this.#place(detail, whole);
      if (typeof detail.text === "string" && detail.text !== "") {
        hasText = true;
        this.#blocks.text(place.block, "reasoningText", detail.text);
      }
      if (typeof detail.summary === "string" && detail.summary !== "") {
        hasText = true;
        this.#blocks.text(place.block, "reasoningSummary", detail.summary);
      }
    }
    return hasText;
  }

  /** Adds the details as state. `stateOf` wraps what the provider wants back. */
  finish(stateOf: (json: string) => OpaqueState): void {
    for (const { block, merged } of this.#details) {
      this.#blocks.delta(block, { case: "state", value: stateOf(JSON.stringify(merged)) });
    }
  }

  #place(detail: ReasoningDetail, whole: boolean): DetailBlock {
    const key = `${detail.type ?? ""}:${detail.index ?? detail.id ?? ""}`;
    const known = whole ? undefined : this.#byKey.get(key);
    // Encrypted pieces come whole, so that a second one under the same key is another piece.
    if (known && !(detail.data && known.merged["data"])) {
      merge(known.merged, detail);
      return known;
    }
    if (this.#details.length >= MAX_DETAILS) {
      throw new ParleyError(
        "PROVIDER_BAD_OUTPUT",
        `Cannot read the answer: it has more than ${MAX_DETAILS} reasoning details`,
      );
    }
    const place: DetailBlock = { block: this.#blocks.open(detailPart(detail)), merged: {} };
    merge(place.merged, detail);
    this.#details.push(place);
    this.#byKey.set(key, place);
    return place;
  }
}

function merge(merged: Members, detail: ReasoningDetail): void {
  for (const [member, value] of Object.entries(detail)) {
    if (member === "__proto__") continue;
    const before = merged[member];
    if (before === undefined || before === null) merged[member] = value;
    else if ((member === "text" || member === "summary") && typeof before === "string" && typeof value === "string") {
      merged[member] = before + value;
    }
  }
}

function detailPart(detail: ReasoningDetail): Part {
  return create(PartSchema, {
    ...(typeof detail.id === "string" && detail.id.length <= MAX_ID_CHARS ? { id: detail.id } : {}),
    kind: { case: "reasoning", value: { visibility: visibilityOf(detail) } },
  });
}

function visibilityOf(detail: ReasoningDetail): ReasoningVisibility {
  if (typeof detail.data === "string") return ReasoningVisibility.OMITTED;
  return typeof detail.summary === "string" ? ReasoningVisibility.SUMMARY : ReasoningVisibility.FULL;
}
