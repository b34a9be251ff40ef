// Events as a gateway sends them, for tests.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ErrorReason,
  Fault,
  FinishReason,
  GatewayErrorSchema,
  StreamEventSchema,
  type GatewayError,
  type StreamEvent,
} from "../src/index.ts";

export type EventInit = NonNullable<MessageInitShape<typeof StreamEventSchema>["event"]>;
type PartInit = NonNullable<Extract<EventInit, { case: "blockFinished" }>["value"]["part"]>;

export const origin = { provider: "sandbox", dialect: "openai-chat", model: "story" };

/** Events numbered from `first`; kept_alive gets no number. */
export function numbered(inits: readonly EventInit[], first = 1): StreamEvent[] {
  let seq = first;
  return inits.map((event) =>
    create(StreamEventSchema, { event, ...(event.case === "keptAlive" ? {} : { seq: seq++ }) }),
  );
}

export const started: EventInit = { case: "started", value: { id: "req_1", origin } };
export const keptAlive: EventInit = { case: "keptAlive", value: {} };

export const completed: EventInit = {
  case: "completed",
  value: {
    usage: { inputTokens: 3, outputTokens: 5 },
    attempts: [{ number: 1, target: origin, durationMs: 12 }],
  },
};

export function finished(reason: FinishReason = FinishReason.STOP, candidate = 0): EventInit {
  return { case: "candidateFinished", value: { candidate, finish: { reason, native: "stop" } } };
}

export function failed(error: GatewayError = interrupted()): EventInit {
  return { case: "failed", value: { error, usage: { outputTokens: 2 } } };
}

export function textPart(text: string): PartInit {
  return { kind: { case: "text", value: { text } } };
}

/** A text block: its start, one delta per piece, its end. */
export function textBlock(pieces: readonly string[], block = 0, candidate = 0): EventInit[] {
  return [
    { case: "blockStarted", value: { candidate, block, part: textPart("") } },
    ...pieces.map((value): EventInit => textDelta(value, block, candidate)),
    { case: "blockFinished", value: { candidate, block, part: textPart(pieces.join("")) } },
  ];
}

export function textDelta(value: string, block = 0, candidate = 0): EventInit {
  return { case: "blockDelta", value: { candidate, block, delta: { case: "text", value } } };
}

export function toolPart(argumentsJson: string, more: { argumentsInvalid?: boolean; executor?: 1 | 2 } = {}): PartInit {
  const input = { case: "argumentsJson" as const, value: argumentsJson };
  return { kind: { case: "toolCall", value: { callId: "call_1", name: "weather", input, ...more } } };
}

/** A tool call's block: its start, one delta per piece, its end. */
export function toolBlock(pieces: readonly string[], block = 0): EventInit[] {
  return [
    { case: "blockStarted", value: { block, part: toolPart("") } },
    ...pieces.map((value): EventInit => ({
      case: "blockDelta",
      value: { block, delta: { case: "argumentsJson", value } },
    })),
    { case: "blockFinished", value: { block, part: toolPart(pieces.join("")) } },
  ];
}

/** A whole answer of text. */
export function answer(pieces: readonly string[]): StreamEvent[] {
  return numbered([started, ...textBlock(pieces), finished(), completed]);
}

/** The error of a provider's stream that was cut after content. */
export function interrupted(more: MessageInitShape<typeof GatewayErrorSchema> = {}): GatewayError {
  return create(GatewayErrorSchema, {
    reason: ErrorReason.STREAM_INTERRUPTED,
    fault: Fault.PROVIDER,
    message: "The provider's stream ended without a finish reason",
    retryable: true,
    retryDelayMs: 250,
    safeToRetry: false,
    attempts: [{ target: origin, reason: ErrorReason.STREAM_INTERRUPTED, httpStatus: 200, durationMs: 40 }],
    requestId: "req_1",
    errorId: "err_1",
    ...more,
  });
}
