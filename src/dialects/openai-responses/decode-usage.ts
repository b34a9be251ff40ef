import { create } from "@bufbuild/protobuf";
import {
  CacheWriteSchema,
  MeterSchema,
  Modality,
  ModalityTokensSchema,
  UsageSchema,
  type CacheWrite,
  type Meter,
  type ModalityTokens,
  type Usage,
  type UsageSource,
} from "../../contract/index.ts";
import type { Nullable, ResponseUsage, ToolUsage } from "./wire.ts";

const MAX_COUNT = 0xffffffff;

/** A count of the wire, or undefined where it is not one. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

/**
 * Usage in disjoint buckets. The wire's input tokens include what was read from and written to caches; its output tokens
 * include reasoning, except where a vendor counts it apart: the stated total, or reasoning above output, tells. `items`
 * are numbers of the answer's items by type, for servers that do not tell how often they searched.
 */
export function decodeUsage(
  wire: ResponseUsage,
  tools: Nullable<ToolUsage>,
  items: ReadonlyMap<string, number>,
  source: UsageSource,
): Usage {
  const inputSide = count(wire.input_tokens);
  const outputSide = count(wire.output_tokens);
  const total = count(wire.total_tokens);
  const cacheRead = count(wire.input_tokens_details?.cached_tokens);
  const cacheWrites = decodeCacheWrites(wire);
  const written = cacheWrites.reduce((sum, write) => sum + write.tokens, 0);
  const reasoning = count(wire.output_tokens_details?.reasoning_tokens);
  const input = inputSide === undefined ? undefined : Math.max(0, inputSide - (cacheRead ?? 0) - written);
  const output = visibleOutput(inputSide, outputSide, total, reasoning);
  const sum = (input ?? 0) + (cacheRead ?? 0) + written + (output ?? 0) + (reasoning ?? 0);
  return create(UsageSchema, {
    ...(input === undefined ? {} : { inputTokens: input }),
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    cacheWrites,
    ...(output === undefined ? {} : { outputTokens: output }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
    inputModalities: modalities(wire.input_tokens_details),
    outputModalities: modalities(wire.output_tokens_details),
    meters: decodeMeters(wire, tools, items),
    source,
    ...(total === undefined ? {} : { reportedTotalTokens: total }),
    balanced: total === undefined || total === sum,
  });
}

function visibleOutput(
  input: number | undefined,
  output: number | undefined,
  total: number | undefined,
  reasoning: number | undefined,
): number | undefined {
  if (output === undefined || reasoning === undefined) return output;
  const countedApart = total !== undefined && reasoning > 0 && total === (input ?? 0) + output + reasoning;
  return countedApart || reasoning > output ? output : output - reasoning;
}

const WRITE_SECONDS = [
  ["ttl_30m_tokens", 1800],
  ["ttl_12h_tokens", 43_200],
] as const;

// What the division by lifetime leaves out of the stated sum was written with a lifetime that is not told.
function decodeCacheWrites({ input_tokens_details: details }: ResponseUsage): CacheWrite[] {
  const writes = WRITE_SECONDS.flatMap(([member, ttlSeconds]) => {
    const tokens = count(details?.cache_write_tokens_details?.[member]) ?? 0;
    return tokens > 0 ? [create(CacheWriteSchema, { ttlSeconds, tokens })] : [];
  });
  const told = writes.reduce((sum, { tokens }) => sum + tokens, 0);
  const rest = (count(details?.cache_write_tokens) ?? 0) - told;
  if (rest > 0) writes.push(create(CacheWriteSchema, { tokens: rest }));
  return writes;
}

const MODALITY_MEMBERS = [
  ["text_tokens", Modality.TEXT],
  ["image_tokens", Modality.IMAGE],
  ["audio_tokens", Modality.AUDIO],
] as const;

type Details = Readonly<Record<(typeof MODALITY_MEMBERS)[number][0], unknown>>;

function modalities(details: object | null | undefined): ModalityTokens[] {
  if (!details) return [];
  return MODALITY_MEMBERS.flatMap(([member, modality]) => {
    const tokens = count((details as Details)[member]) ?? 0;
    return tokens > 0 ? [create(ModalityTokensSchema, { modality, tokens })] : [];
  });
}

// Members of the server's own list of tools it ran, and the unit under which their calls are billed.
const TOOL_UNITS = [
  ["web_search_calls", "web_search_requests"],
  ["x_search_calls", "x_search_requests"],
  ["file_search_calls", "file_search_requests"],
  ["document_search_calls", "document_search_requests"],
  ["code_interpreter_calls", "code_interpreter_calls"],
  ["mcp_calls", "mcp_calls"],
  ["image_generation_calls", "images"],
] as const;

// Types of items whose number is what a server bills that does not list it.
const COUNTED_ITEMS = [
  ["web_search_call", "web_search_requests"],
  ["file_search_call", "file_search_requests"],
] as const;

function decodeMeters(wire: ResponseUsage, tools: Nullable<ToolUsage>, items: ReadonlyMap<string, number>): Meter[] {
  const own = wire.server_side_tool_usage_details;
  const meters = new Map<string, unknown>();
  const images = tools?.image_gen;
  meters.set("web_search_requests", tools?.web_search?.num_requests);
  meters.set("image_generation_input_tokens", images?.input_tokens);
  meters.set("image_generation_output_tokens", images?.output_tokens);
  meters.set("search_sources", wire.num_sources_used);
  for (const [member, unit] of own ? TOOL_UNITS : []) meters.set(unit, own?.[member]);
  for (const [type, unit] of own ? [] : COUNTED_ITEMS) meters.set(unit, meters.get(unit) ?? items.get(type));
  return [...meters].flatMap(([unit, quantity]) =>
    typeof quantity === "number" && Number.isFinite(quantity) && quantity > 0
      ? [create(MeterSchema, { unit, quantity })]
      : [],
  );
}
