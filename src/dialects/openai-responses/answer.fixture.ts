// The stream that a server would send for an answer, for tests.

interface Piece {
  readonly type: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly annotations?: readonly object[];
}

interface Item {
  readonly type: string;
  readonly id?: string;
  readonly content?: readonly Piece[];
  readonly summary?: readonly Piece[];
  readonly arguments?: string;
  readonly input?: string;
  readonly code?: string;
}

/** The events of an answer; `pieces` cuts a text as its deltas come. */
export function eventsOf(
  answer: { readonly output?: readonly object[] },
  pieces: (text: string) => readonly string[],
): object[] {
  const begun = { ...answer, status: "in_progress", output: [], usage: null };
  const items = (answer.output ?? []).flatMap((item, index) => itemEvents(item as Item, index, pieces));
  return [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    ...items,
    { type: "response.completed", response: answer },
  ];
}

function itemEvents(item: Item, index: number, pieces: (text: string) => readonly string[]): object[] {
  const at = { output_index: index, ...(item.id === undefined ? {} : { item_id: item.id }) };
  const begun = { ...item, status: "in_progress" };
  const deltas = (kind: string, text: string, more: object): object[] =>
    pieces(text).map((delta) => ({ type: `response.${kind}.delta`, ...at, ...more, delta }));
  const inside: object[] = [];
  switch (item.type) {
    case "message":
      for (const [place, piece] of (item.content ?? []).entries()) {
        inside.push(...contentEvents(piece, { ...at, content_index: place }, pieces));
      }
      return wrap({ ...begun, content: [] }, item, index, inside);
    case "reasoning":
      for (const [place, { text = "" }] of (item.summary ?? []).entries()) {
        inside.push(...deltas("reasoning_summary_text", text, { summary_index: place }));
        inside.push({ type: "response.reasoning_summary_text.done", ...at, summary_index: place, text });
      }
      for (const [place, { text = "" }] of (item.content ?? []).entries()) {
        inside.push(...deltas("reasoning_text", text, { content_index: place }));
      }
      return wrap({ ...begun, summary: [], content: [], encrypted_content: "beginning" }, item, index, inside);
    case "function_call":
      inside.push(...deltas("function_call_arguments", item.arguments ?? "", {}));
      inside.push({ type: "response.function_call_arguments.done", ...at, arguments: item.arguments });
      return wrap({ ...begun, arguments: "" }, item, index, inside);
    case "custom_tool_call":
      return wrap({ ...begun, input: "" }, item, index, deltas("custom_tool_call_input", item.input ?? "", {}));
    case "code_interpreter_call":
      return wrap({ ...begun, code: "" }, item, index, deltas("code_interpreter_call_code", item.code ?? "", {}));
    default:
      return wrap(begun, item, index, inside);
  }
}

function contentEvents(piece: Piece, at: object, pieces: (text: string) => readonly string[]): object[] {
  const isRefusal = piece.type === "refusal";
  const kind = isRefusal ? "refusal" : "output_text";
  const text = piece.text ?? piece.refusal ?? "";
  return [
    { type: "response.content_part.added", ...at, part: { type: piece.type, text: "" } },
    ...pieces(text).map((delta) => ({ type: `response.${kind}.delta`, ...at, delta })),
    ...(piece.annotations ?? []).map((annotation, place) => ({
      type: "response.output_text.annotation.added",
      ...at,
      annotation_index: place,
      annotation,
    })),
    { type: `response.${kind}.done`, ...at, [isRefusal ? "refusal" : "text"]: text },
    { type: "response.content_part.done", ...at, part: piece },
  ];
}

function wrap(begun: object, item: object, index: number, inside: readonly object[]): object[] {
  return [
    { type: "response.output_item.added", output_index: index, item: begun },
    ...inside,
    { type: "response.output_item.done", output_index: index, item },
  ];
}
