import { callId, fragments, type ReasoningVendor, type Turn } from "./vendor.ts";

/** OpenAI's Responses API without storage: encrypted reasoning goes back right before what came of it. */
export const openaiResponsesVendor: ReasoningVendor = {
  kind: "openai",
  model: "gpt-5-mini",
  settings: "api: responses, ",
  whole: (turn) => responseOf(turn, "completed", itemsOf(turn)),
  events: (turn) =>
    [
      { type: "response.created", response: responseOf(turn, "in_progress", []) },
      ...itemsOf(turn).flatMap((item, output_index) => [
        { type: "response.output_item.added", output_index, item: emptied(item) },
        ...deltasOf(item).map((delta) => ({ ...delta, output_index, item_id: item.id })),
        { type: "response.output_item.done", output_index, item },
      ]),
      { type: "response.completed", response: responseOf(turn, "completed", itemsOf(turn)) },
    ].map((event, sequence_number) => [event.type, { ...event, sequence_number }] as const),
  resultsIn: ({ input }) => input.filter(({ type }: any) => type === "function_call_output").length,
  statesIn: ({ input }) =>
    input.flatMap(({ type, encrypted_content: state }: any, at: number) =>
      type === "reasoning" ? [isOutput(input[at + 1]) && state] : [],
    ),
  isStream: (_, body) => body.stream === true,
};

function responseOf({ number }: Turn, status: string, output: unknown[]) {
  const usage = status === "completed" ? { input_tokens: 10, output_tokens: 5, total_tokens: 15 } : null;
  const fixed = { object: "response", created_at: 1_790_000_000, model: "gpt-5-mini", error: null };
  return { id: `resp_${number}`, ...fixed, status, output, usage };
}

function itemsOf(turn: Turn): any[] {
  const { number, state, cities, text } = turn;
  const thoughts = { type: "reasoning", id: `rs_${number}`, summary: [], encrypted_content: state };
  if (cities.length === 0) {
    const content = [{ type: "output_text", text, annotations: [] }];
    return [thoughts, { type: "message", id: `msg_${number}`, role: "assistant", status: "completed", content }];
  }
  const calls = cities.map((city, at) => ({
    type: "function_call",
    id: `fc_${number}${at}`,
    call_id: callId(turn, at),
    name: "weather",
    arguments: fragments(city).join(""),
    status: "completed",
  }));
  return [thoughts, ...calls];
}

function isOutput(item: any): boolean {
  return item?.type === "function_call" || item?.role === "assistant";
}

function emptied(item: any): unknown {
  if (item.type === "message") return { ...item, status: "in_progress", content: [] };
  return item.type === "function_call" ? { ...item, status: "in_progress", arguments: "" } : item;
}

function deltasOf(item: any): { readonly type: string; readonly [member: string]: unknown }[] {
  if (item.type === "function_call") {
    const city = JSON.parse(item.arguments).city as string;
    return [
      ...fragments(city).map((delta) => ({ type: "response.function_call_arguments.delta", delta })),
      { type: "response.function_call_arguments.done", arguments: item.arguments },
    ];
  }
  if (item.type !== "message") return [];
  const [part] = item.content;
  const place = { content_index: 0 };
  return [
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    { type: "response.output_text.delta", ...place, delta: part.text },
    { type: "response.output_text.done", ...place, text: part.text },
    { type: "response.content_part.done", ...place, part },
  ];
}
