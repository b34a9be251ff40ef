import { create } from "@bufbuild/protobuf";
import { Executor, Modality, PartSchema, textPart, type Part } from "../../contract/index.ts";
import { bytesOf } from "../media-source.ts";
import { usableId, stateOf, type ItemContext } from "./item-context.ts";
import { ITEM_FORMAT } from "./provider-state.ts";
import type { OutputItem } from "./wire.ts";

const MAX_RESULTS = 1000;

/** Adds the result that the item of a call holds: a picture as a part of the answer, anything else as a tool's result. */
export function addResult(context: ItemContext, item: OutputItem, callId: string, name: string): void {
  const picture = item.type === "image_generation_call" ? picturePart(context, item) : undefined;
  if (picture) {
    context.blocks.whole(picture);
    return;
  }
  const { content, rest } = resultOf(item);
  const { status, error } = item;
  const failed = status === "failed" || (error !== undefined && error !== null);
  const members = { status: status ?? undefined, error: error ?? undefined, ...rest };
  const value = {
    callId,
    name,
    executor: Executor.PROVIDER,
    nativeType: item.type ?? "",
    content: content.slice(0, MAX_RESULTS),
    nativeJson: JSON.stringify(members),
    ...(failed ? { isError: true } : {}),
  };
  context.blocks.whole(create(PartSchema, { kind: { case: "toolResult", value } }));
}

interface Result {
  readonly content: Part[];
  /** What the content does not tell. */
  readonly rest: object;
}

function resultOf(item: OutputItem): Result {
  switch (item.type) {
    case "mcp_call":
      return { content: typeof item.output === "string" ? [textPart(item.output)] : [], rest: {} };
    case "code_interpreter_call":
      return { content: outputParts(item), rest: {} };
    case "file_search_call":
      return { content: passages(item), rest: { results: item.results ?? undefined } };
    default:
      return { content: [], rest: { action: item.action ?? undefined, results: item.results ?? undefined } };
  }
}

function outputParts({ outputs }: OutputItem): Part[] {
  if (!Array.isArray(outputs)) return [];
  return outputs.flatMap((output) => {
    if (typeof output?.logs === "string" && output.logs !== "") return [textPart(output.logs)];
    return typeof output?.url === "string" ? [addressedPicture(output.url)] : [];
  });
}

function passages({ results }: OutputItem): Part[] {
  if (!Array.isArray(results)) return [];
  return results.map((result) =>
    create(PartSchema, {
      kind: {
        case: "searchResult",
        value: {
          source: textOf(result?.file_id),
          title: textOf(result?.filename),
          content: typeof result?.text === "string" ? [textPart(result.text)] : [],
        },
      },
    }),
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const DATA_URL = /^data:([^;,]+)[^,]*;base64,/;

function addressedPicture(url: string): Part {
  const inline = DATA_URL.exec(url);
  const source = inline
    ? ({ case: "inline", value: bytesOf(url.slice(inline[0].length)) } as const)
    : ({ case: "url", value: url } as const);
  return create(PartSchema, {
    kind: {
      case: "media",
      value: { modality: Modality.IMAGE, ...(inline ? { mimeType: inline[1] ?? "" } : {}), source },
    },
  });
}

function picturePart(context: ItemContext, item: OutputItem): Part | undefined {
  const { result, output_format: format } = item;
  if (typeof result !== "string" || result === "") return undefined;
  const id = usableId(item.id);
  return create(PartSchema, {
    ...(id === undefined ? {} : { id }),
    kind: {
      case: "media",
      value: {
        modality: Modality.IMAGE,
        mimeType: `image/${format === "svg" ? "svg+xml" : (format ?? "png")}`,
        source: { case: "inline", value: bytesOf(result) },
        ...(id === undefined ? {} : { generatedId: id }),
      },
    },
    // The call has the rest of the item; this says whose picture it is.
    state: [stateOf(context, ITEM_FORMAT, JSON.stringify({ type: item.type, id: item.id }))],
  });
}
