import { create } from "@bufbuild/protobuf";
import {
  CacheWriteSchema,
  MeterSchema,
  UsageSchema,
  type CacheWrite,
  type Meter,
  type Usage,
  type UsageSource,
} from "../../contract/index.ts";
import { membersOf } from "../native-error.ts";
import type { ReceivedUsage, TokenCounts, UsageIteration } from "./wire.ts";

const MAX_COUNT = 0xffffffff;
const MAX_UNIT_CHARS = 64;

/** A count of the wire, or undefined where it is not one. */
function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT ? value : undefined;
}

/** Puts figures together: those of a stream's beginning, which alone tell times to live, and the cumulative later ones. */
export function mergeUsage(before: ReceivedUsage | undefined, later: ReceivedUsage): ReceivedUsage {
  const merged: Record<string, unknown> = { ...before };
  for (const [member, value] of Object.entries(membersOf(later))) {
    if (member !== "__proto__" && value !== null && value !== undefined) merged[member] = value;
  }
  return merged;
}

/**
 * Usage in disjoint buckets. The wire's input already excludes what was read from and written to caches; its output
 * includes reasoning. The wire states no total, except that iterations list every sampling: compactions are not in the
 * figures and are added to them; samplings of other models have prices of their own and are metered apart, which leaves
 * the buckets short of the total.
 */
export function decodeUsage(wire: ReceivedUsage, source: UsageSource): Usage {
  const iterations = Array.isArray(wire.iterations) ? wire.iterations.filter(isIteration) : [];
  const parts: readonly TokenCounts[] = [wire, ...iterations.filter(({ type }) => type === "compaction")];
  const input = sumOf(parts, "input_tokens");
  const cacheRead = sumOf(parts, "cache_read_input_tokens");
  const output = sumOf(parts, "output_tokens");
  const cacheWrites = mergeWrites([...mainWrites(wire, iterations), ...parts.slice(1).flatMap(writesOf)]);
  const reasoning = count(wire.output_tokens_details?.thinking_tokens);
  const visible = output === undefined ? undefined : Math.max(0, output - (reasoning ?? 0));
  const total = iterations.length > 0 ? iterations.reduce((sum, one) => sum + totalOf(one), 0) : undefined;
  const written = cacheWrites.reduce((sum, { tokens }) => sum + tokens, 0);
  const sum = (input ?? 0) + (cacheRead ?? 0) + written + (visible ?? 0) + (reasoning ?? 0);
  return create(UsageSchema, {
    ...(input === undefined ? {} : { inputTokens: input }),
    ...(cacheRead === undefined ? {} : { cacheReadTokens: cacheRead }),
    cacheWrites,
    ...(visible === undefined ? {} : { outputTokens: visible }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
    meters: [...toolMeters(wire), ...iterations.flatMap(iterationMeters)],
    source,
    ...(total === undefined || total > MAX_COUNT ? {} : { reportedTotalTokens: total }),
    balanced: total === undefined ? (reasoning ?? 0) <= (output ?? 0) : total === sum,
  });
}

function isIteration(value: unknown): value is UsageIteration {
  return typeof value === "object" && value !== null;
}

function sumOf(parts: readonly TokenCounts[], member: keyof TokenCounts): number | undefined {
  let sum: number | undefined;
  for (const part of parts) {
    const tokens = count(part[member]);
    if (tokens !== undefined) sum = Math.min(MAX_COUNT, (sum ?? 0) + tokens);
  }
  return sum;
}

function totalOf(counts: TokenCounts): number {
  const members = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"] as const;
  return members.reduce((sum, member) => sum + (count(counts[member]) ?? 0), 0);
}

const WRITE_SECONDS = [
  ["ephemeral_5m_input_tokens", 300],
  ["ephemeral_1h_input_tokens", 3600],
] as const;

function byLifetime(counts: TokenCounts): CacheWrite[] {
  return WRITE_SECONDS.flatMap(([member, ttlSeconds]) => {
    const tokens = count(counts.cache_creation?.[member]) ?? 0;
    return tokens > 0 ? [create(CacheWriteSchema, { ttlSeconds, tokens })] : [];
  });
}

function sumOfWrites(writes: readonly CacheWrite[]): number {
  return writes.reduce((sum, { tokens }) => sum + tokens, 0);
}

// The division by lifetime counts where it adds up; what it does not account for is of an unknown lifetime.
function writesOf(counts: TokenCounts): CacheWrite[] {
  const divided = byLifetime(counts);
  const total = count(counts.cache_creation_input_tokens) ?? sumOfWrites(divided);
  const rest = total - sumOfWrites(divided);
  if (rest < 0) return total > 0 ? [create(CacheWriteSchema, { tokens: total })] : [];
  return rest > 0 ? [...divided, create(CacheWriteSchema, { tokens: rest })] : divided;
}

// A stream divides its writes at its beginning; when more were written since, the iterations know.
function mainWrites(wire: ReceivedUsage, iterations: readonly UsageIteration[]): CacheWrite[] {
  const total = count(wire.cache_creation_input_tokens);
  const known = iterations.filter(({ type }) => type === "message").flatMap(byLifetime);
  const isOutdated = total !== undefined && sumOfWrites(byLifetime(wire)) !== total;
  return isOutdated && sumOfWrites(known) === total ? known : writesOf(wire);
}

function mergeWrites(writes: readonly CacheWrite[]): CacheWrite[] {
  const merged: CacheWrite[] = [];
  for (const { ttlSeconds, tokens } of writes) {
    const same = merged.find((one) => one.ttlSeconds === ttlSeconds);
    if (same) same.tokens += tokens;
    else merged.push(create(CacheWriteSchema, { tokens, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }));
  }
  return merged;
}

function toolMeters(wire: ReceivedUsage): Meter[] {
  const requests = wire.server_tool_use;
  if (typeof requests !== "object" || requests === null) return [];
  return Object.entries(requests).flatMap(([unit, quantity]) => meter(unit, quantity));
}

// Another model's tokens are not this one's: they are metered under the name of the sampling.
function iterationMeters({ type, model, ...counts }: UsageIteration): Meter[] {
  if (type === "message" || type === "compaction" || type === "fallback_message" || !model) return [];
  const output = count(counts.output_tokens) ?? 0;
  return [
    ...meter(`${String(type)}_input_tokens`, totalOf(counts) - output),
    ...meter(`${String(type)}_output_tokens`, output),
  ];
}

function meter(unit: string, quantity: unknown): Meter[] {
  return typeof quantity === "number" && Number.isFinite(quantity) && quantity > 0
    ? [create(MeterSchema, { unit: unit.slice(0, MAX_UNIT_CHARS), quantity })]
    : [];
}

/** The tier that served an answer. Fast output costs more than any tier it may come with, and is told as one. */
export function servedTier({ service_tier: tier, speed }: ReceivedUsage): string | undefined {
  if (speed === "fast") return "fast";
  return typeof tier === "string" && tier !== "" ? tier.slice(0, 64) : undefined;
}
