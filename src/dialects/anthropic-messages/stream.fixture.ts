// Events of streams as the provider sends them.

const usage = { input_tokens: 10, output_tokens: 1, service_tier: "standard" };

/** The beginning of a message. */
export const begin = {
  type: "message_start",
  message: { id: "msg_1", type: "message", role: "assistant", model: "m1-2026", content: [], stop_reason: null, usage },
};

/** The end of a message. */
export function ending(reason: string, more: object = {}): unknown[] {
  const delta = { stop_reason: reason, stop_sequence: null, ...more };
  return [{ type: "message_delta", delta, usage: { output_tokens: 7 } }, { type: "message_stop" }];
}

/** A block that comes in pieces. */
export function block(index: number, start: object, ...deltas: readonly object[]): unknown[] {
  return [
    { type: "content_block_start", index, content_block: start },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

/** Text in pieces. */
export function text(index: number, ...pieces: readonly string[]): unknown[] {
  return block(index, { type: "text", text: "" }, ...pieces.map((piece) => ({ type: "text_delta", text: piece })));
}

/** A whole body with these blocks. */
export function bodyWith(content: readonly unknown[], reason = "end_turn", more: object = {}): object {
  return {
    ...begin.message,
    content,
    stop_reason: reason,
    stop_sequence: null,
    usage: { ...usage, output_tokens: 7 },
    ...more,
  };
}
