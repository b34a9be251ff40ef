import { eventData } from "./expected-openai-chat.ts";

// The whole answer that the chunks of a stream amount to. It shares no code with src, so that it can prove src wrong.

type Raw = { [member: string]: any };

/** A body of `chat.completion` with everything that the stream's chunks said. */
export function assembled(text: string): Raw {
  const chunks = eventData(text)
    .filter((data) => data !== "[DONE]")
    .map((data) => JSON.parse(data) as Raw);
  const answer: Raw = {};
  const choices = new Map<number, Raw>();
  for (const chunk of chunks) {
    for (const [name, value] of Object.entries(chunk)) if (value !== null && name !== "choices") answer[name] = value;
    for (const choice of (chunk["choices"] ?? []) as Raw[]) {
      const known = choices.get(choice["index"]) ?? { message: {} };
      choices.set(choice["index"], known);
      for (const [name, value] of Object.entries(choice)) {
        if (name === "delta") addDelta(known["message"], (value ?? {}) as Raw);
        else if (name !== "message" && value !== null) known[name] = value;
      }
    }
  }
  const usage = answer["usage"] ?? answer["x_groq"]?.usage;
  return { ...answer, ...(usage ? { usage } : {}), choices: [...choices.values()] };
}

function addDelta(message: Raw, delta: Raw): void {
  for (const [name, value] of Object.entries(delta)) {
    if (value === null) continue;
    const known = message[name];
    if (name === "tool_calls") for (const fragment of value) addFragment((message[name] ??= []), fragment);
    else if (name === "function_call") message[name] = addTexts(known ?? {}, value, ["arguments"]);
    else if (name === "role") message[name] = value;
    else if (Array.isArray(value) || Array.isArray(known)) message[name] = [...piecesOf(known), ...piecesOf(value)];
    else if (typeof value === "string") message[name] = `${known ?? ""}${value}`;
    else message[name] = value;
  }
}

// Some answers begin as a text and go on as a list of pieces.
function piecesOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === "" ? [] : [{ type: "text", text: value }];
}

function addFragment(calls: Raw[], fragment: Raw): void {
  const index = fragment["index"] ?? 0;
  let call = calls.find((one) => one["index"] === index);
  if (!call) calls.push((call = { index }));
  for (const [name, value] of Object.entries(fragment)) {
    if (name === "function") call[name] = addTexts(call[name] ?? {}, value, ["arguments"]);
    else if (name === "custom") call[name] = addTexts(call[name] ?? {}, value, ["input"]);
    else call[name] ??= value;
  }
}

function addTexts(known: Raw, more: Raw, grows: readonly string[]): Raw {
  const sum: Raw = { ...known };
  for (const [name, value] of Object.entries(more)) {
    if (grows.includes(name)) sum[name] = `${sum[name] ?? ""}${value ?? ""}`;
    else sum[name] ||= value;
  }
  return sum;
}
