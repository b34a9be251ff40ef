import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import * as z from "zod";
import { ChatRequestSchema, UsageSchema, type ChatRequest, type Usage } from "../contract/index.ts";
import type { PlannedInput } from "../routing/candidates.ts";

/** A line of a file of decisions; see `decisionLine`. */
export interface RecordedDecision {
  readonly at: string;
  readonly requestId: string;
  readonly keyId: string;
  /** The request's shape, without content. */
  readonly request: ChatRequest;
  readonly input: PlannedInput;
  /** Where it could go, as provider/model, in order. */
  readonly order: readonly string[];
  /** What the answer consumed; undefined: there was none, or nothing is known. */
  readonly usage: Usage | undefined;
  readonly costNanoUsd: bigint | undefined;
}

const LINE = z.object({
  version: z.literal(1),
  at: z.string(),
  request_id: z.string(),
  key_id: z.string(),
  request: z.custom<JsonValue>((value) => typeof value === "object" && value !== null),
  input: z.object({ upper_bound: z.number(), likely: z.number(), least: z.number() }),
  order: z.array(z.string()),
  usage: z.custom<JsonValue>().optional(),
  cost_nano_usd: z.string().regex(/^\d+$/).optional(),
});

/** Reads a line; undefined: it is no decision, or of a version that is not known. */
export function readDecision(line: string): RecordedDecision | undefined {
  try {
    const { input, usage, cost_nano_usd: cost, ...rest } = LINE.parse(JSON.parse(line));
    return {
      at: rest.at,
      requestId: rest.request_id,
      keyId: rest.key_id,
      request: fromJson(ChatRequestSchema, rest.request, { ignoreUnknownFields: true }),
      input: { upperBound: input.upper_bound, likely: input.likely, least: input.least },
      order: rest.order,
      usage: usage === undefined ? undefined : fromJson(UsageSchema, usage, { ignoreUnknownFields: true }),
      costNanoUsd: cost === undefined ? undefined : BigInt(cost),
    };
  } catch {
    return undefined;
  }
}
