import { callId, fragments, type ReasoningVendor, type Turn } from "./vendor.ts";

const usage = { input_tokens: 10, output_tokens: 5 };

/** Anthropic's Messages API: thinking blocks go back first in their message, signed. */
export const anthropicVendor: ReasoningVendor = {
  kind: "anthropic",
  model: "claude-sonnet-4-5",
  settings: "",
  whole: (turn) => ({ ...messageOf(turn), content: blocksOf(turn), stop_reason: stopOf(turn) }),
  events: (turn) =>
    [
      { type: "message_start", message: { ...messageOf(turn), content: [], stop_reason: null } },
      ...blocksOf(turn).flatMap((block, index) => [
        { type: "content_block_start", index, content_block: emptied(block) },
        ...deltasOf(block).map((delta) => ({ type: "content_block_delta", index, delta })),
        { type: "content_block_stop", index },
      ]),
      { type: "message_delta", delta: { stop_reason: stopOf(turn), stop_sequence: null }, usage },
      { type: "message_stop" },
    ].map((event) => [event.type, event] as const),
  resultsIn: ({ messages }) => messages.flatMap(({ content }: any) => content).filter(isResult).length,
  statesIn: ({ messages }) =>
    messages
      .filter(({ role }: any) => role === "assistant")
      .map(({ content: [first] }: any) => first.type === "thinking" && first.thinking !== "" && first.signature),
  isStream: (_, body) => body.stream === true,
};

function messageOf({ number }: Turn) {
  return {
    id: `msg_${number}`,
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    stop_sequence: null,
    usage,
  };
}

function stopOf({ cities }: Turn): string {
  return cities.length > 0 ? "tool_use" : "end_turn";
}

function blocksOf(turn: Turn): any[] {
  const thinking = { type: "thinking", thinking: turn.thought, signature: turn.state };
  if (turn.cities.length === 0) return [thinking, { type: "text", text: turn.text }];
  const calls = turn.cities.map((city, at) => ({
    type: "tool_use",
    id: callId(turn, at),
    name: "weather",
    input: { city },
  }));
  return [thinking, ...calls];
}

function emptied(block: any): unknown {
  if (block.type === "thinking") return { type: "thinking", thinking: "", signature: "" };
  return block.type === "text" ? { type: "text", text: "" } : { ...block, input: {} };
}

function deltasOf({ type, text, thinking, signature, input }: any): unknown[] {
  if (type === "text") return [{ type: "text_delta", text }];
  if (type === "thinking") {
    return [
      { type: "thinking_delta", thinking },
      { type: "signature_delta", signature },
    ];
  }
  return fragments(input.city).map((json) => ({ type: "input_json_delta", partial_json: json }));
}

function isResult({ type }: any): boolean {
  return type === "tool_result";
}
