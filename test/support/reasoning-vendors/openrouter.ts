import { callId, fragments, type ReasoningVendor, type Turn } from "./vendor.ts";

/** Chat completions with state: OpenRouter's `reasoning_details` go back with the message that they came with. */
export const openrouterVendor: ReasoningVendor = {
  kind: "openrouter",
  model: "anthropic/claude-sonnet-4.5",
  settings: "",
  whole: (turn) => ({
    ...headOf(turn, "chat.completion"),
    choices: [{ index: 0, message: { ...messageOf(turn), ...callsOf(turn) }, finish_reason: finishOf(turn) }],
    usage,
  }),
  events: (turn) => [
    [undefined, chunkOf(turn, messageOf(turn))],
    ...fragmentsOf(turn).map((call) => [undefined, chunkOf(turn, { tool_calls: [call] })] as const),
    [undefined, { ...chunkOf(turn, {}, finishOf(turn)), usage }],
    [undefined, "[DONE]"],
  ],
  resultsIn: ({ messages }) => messages.filter(({ role }: any) => role === "tool").length,
  statesIn: ({ messages }) =>
    messages
      .filter(({ role }: any) => role === "assistant")
      .map(({ reasoning_details: [detail] = [] }: any) => detail?.text !== "" && detail?.signature),
  isStream: (_, body) => body.stream === true,
};

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };

function headOf({ number }: Turn, object: string) {
  return { id: `gen-${number}`, object, created: 1_790_000_000, model: "anthropic/claude-sonnet-4.5" };
}

function messageOf({ thought, state, text }: Turn) {
  const detail = { type: "reasoning.text", text: thought, signature: state, format: "anthropic-claude-v1", index: 0 };
  return { role: "assistant", content: text, reasoning: thought, reasoning_details: [detail] };
}

function callsOf(turn: Turn): object {
  const calls = turn.cities.map((city, at) => ({
    id: callId(turn, at),
    type: "function",
    function: { name: "weather", arguments: fragments(city).join("") },
  }));
  return calls.length > 0 ? { tool_calls: calls } : {};
}

function fragmentsOf(turn: Turn): unknown[] {
  return turn.cities.flatMap((city, index) => {
    const [begin, end] = fragments(city);
    const head = { index, id: callId(turn, index), type: "function" };
    return [
      { ...head, function: { name: "weather", arguments: begin } },
      { index, function: { arguments: end } },
    ];
  });
}

function finishOf({ cities }: Turn): string {
  return cities.length > 0 ? "tool_calls" : "stop";
}

function chunkOf(turn: Turn, delta: object, finish: string | null = null) {
  return { ...headOf(turn, "chat.completion.chunk"), choices: [{ index: 0, delta, finish_reason: finish }] };
}
