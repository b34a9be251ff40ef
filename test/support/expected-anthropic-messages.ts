import type { CorpusCase } from "./corpus.ts";

// What a recording of the Messages API says, read straight from its JSON by rules of its own: this file shares no code
// with src, so that it can prove src wrong.

/** What an answer must come to. */
export interface ExpectedAnswer {
  readonly text: string;
  readonly reasoning: string;
  /** Signatures and withheld reasoning, byte for byte, in order. */
  readonly states: readonly string[];
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  /** Calls that the provider ran. */
  readonly serverCalls: readonly { readonly id: string; readonly type: string; readonly input: unknown }[];
  /** Their results, as received. */
  readonly serverResults: readonly unknown[];
  /** Blocks that are kept as they are. */
  readonly opaque: readonly unknown[];
  readonly citations: readonly ExpectedCitation[];
  readonly finish: string;
  readonly category: string | undefined;
  readonly stopSequence: string | undefined;
  readonly servedModel: string | undefined;
  readonly tier: string | undefined;
  /** Where code ran. */
  readonly container: string | undefined;
  readonly usage: ExpectedUsage;
}

/** A citation. */
export interface ExpectedCitation {
  readonly url: string | undefined;
  readonly title: string | undefined;
  readonly citedText: string | undefined;
  readonly document: number | undefined;
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly unit: string | undefined;
  readonly index: string | undefined;
}

/** Figures as disjoint buckets; undefined is unknown. */
export interface ExpectedUsage {
  readonly input: number | undefined;
  readonly cacheRead: number | undefined;
  /** By lifetime in seconds; 0: not told. */
  readonly writes: Readonly<Record<string, number>>;
  readonly visible: number | undefined;
  readonly reasoning: number | undefined;
  readonly meters: Readonly<Record<string, number>>;
  readonly total: number | undefined;
  readonly sums: boolean;
}

/** An answer, or the name of the error's reason. */
export type Expected = { readonly answer: ExpectedAnswer } | { readonly error: string };

/** Any object of JSON. */
export type Raw = { [member: string]: any };

/** What the case must come to. Throws where the reader has no rule for it. */
export function expectedOf(recording: CorpusCase): Expected {
  if (recording.kind === "error") return { error: errorOf(recording.status, JSON.parse(recording.bodyText) as Raw) };
  if (recording.kind === "unary") return { answer: answerOf(JSON.parse(recording.bodyText) as Raw) };
  const failed = eventsOf(recording.bodyText).find(({ type }) => type === "error");
  if (failed) return { error: errorOf(200, failed) };
  return { answer: answerOf(assembled(recording.bodyText)) };
}

/** The events of a stream up to the end of its first message. */
export function eventsOf(text: string): Raw[] {
  const events = text
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:") && !line.includes("[DONE]"))
    .map((line) => JSON.parse(line.slice(5)) as Raw);
  const end = events.findIndex(({ type }) => type === "message_stop");
  return end < 0 ? events : events.slice(0, end + 1);
}

/** The whole message that a stream amounts to. */
export function assembled(text: string): Raw {
  const message: Raw = { content: [] };
  const inputs = new Map<number, string>();
  for (const event of eventsOf(text)) {
    if (event["type"] === "message_start") Object.assign(message, structuredClone(event["message"]));
    else if (event["type"] === "content_block_start")
      message["content"].push({ ...event["content_block"], at: event["index"] });
    else if (event["type"] === "content_block_delta") {
      const block = message["content"].findLast(({ at }: Raw) => at === event["index"]) as Raw;
      addDelta(block, event["delta"] as Raw, event["index"] as number, inputs);
    } else if (event["type"] === "message_delta") {
      for (const [name, value] of Object.entries(event["delta"] as Raw)) if (value !== null) message[name] = value;
      for (const [name, value] of Object.entries((event["usage"] ?? {}) as Raw)) {
        if (value !== null) message["usage"][name] = value;
      }
    }
  }
  for (const block of message["content"] as Raw[]) delete block["at"];
  return message;
}

function addDelta(block: Raw, delta: Raw, index: number, inputs: Map<number, string>): void {
  const plain: Raw = { text_delta: "text", thinking_delta: "thinking", signature_delta: "signature" };
  const member = plain[delta["type"]] as string | undefined;
  if (member !== undefined) block[member] = (block[member] ?? "") + delta[member];
  else if (delta["type"] === "citations_delta") (block["citations"] ??= []).push(delta["citation"]);
  else if (delta["type"] === "compaction_delta") block["content"] = (block["content"] ?? "") + delta["content"];
  else if (delta["type"] === "input_json_delta") {
    const whole = (inputs.get(index) ?? "") + delta["partial_json"];
    inputs.set(index, whole);
    try {
      if (whole !== "") block["input"] = JSON.parse(whole);
    } catch {
      // Not whole yet.
    }
  } else throw new Error(`the reader has no rule for the delta ${String(delta["type"])}`);
}

function answerOf(message: Raw): ExpectedAnswer {
  const blocks = message["content"] as Raw[];
  const of = (type: string): Raw[] => blocks.filter((block) => block["type"] === type);
  const joined = (type: string, member: string): string =>
    of(type)
      .map((block) => block[member] ?? "")
      .join("");
  const isResult = ({ type }: Raw): boolean => (type as string).endsWith("_tool_result");
  const isCall = ({ type }: Raw): boolean => ["server_tool_use", "mcp_tool_use"].includes(type as string);
  const isOther = ({ type }: Raw): boolean => ["compaction", "container_upload", "fallback"].includes(type as string);
  const known = [...of("text"), ...of("thinking"), ...of("redacted_thinking"), ...of("tool_use")].length;
  if (known + [isResult, isCall, isOther].flatMap((is) => blocks.filter(is)).length !== blocks.length) {
    throw new Error("the reader has no rule for a block");
  }
  const states = blocks.flatMap(({ type, signature, data }) => {
    if (type === "thinking" && signature) return [signature as string];
    return type === "redacted_thinking" ? [data as string] : [];
  });
  return {
    text: joined("text", "text"),
    reasoning: joined("thinking", "thinking"),
    states,
    calls: of("tool_use").map(({ id, name, input }) => ({ id, name, input }) as ExpectedAnswer["calls"][number]),
    serverCalls: blocks.filter(isCall).map(({ id, type, input }) => ({ id, type, input }) as never),
    serverResults: blocks.filter(isResult),
    opaque: blocks.filter(isOther),
    citations: of("text").flatMap((block) => ((block["citations"] ?? []) as Raw[]).map(citation)),
    finish: finishOf(message["stop_reason"] as string),
    category: message["stop_details"]?.category ?? undefined,
    stopSequence: message["stop_sequence"] ?? undefined,
    servedModel: message["model"],
    tier: message["usage"].service_tier ?? undefined,
    container: message["container"]?.id,
    usage: usageOf(message["usage"] as Raw),
  };
}

function citation(raw: Raw): ExpectedCitation {
  const unit: Raw = {
    char_location: "char",
    page_location: "page",
    content_block_location: "block",
    search_result_location: "block",
  };
  return {
    url: raw["url"] ?? raw["source"],
    title: raw["title"] ?? raw["document_title"] ?? undefined,
    citedText: raw["cited_text"],
    document: raw["document_index"],
    start: raw["start_char_index"] ?? raw["start_page_number"] ?? raw["start_block_index"],
    end: raw["end_char_index"] ?? raw["end_page_number"] ?? raw["end_block_index"],
    unit: unit[raw["type"]] as string | undefined,
    index: raw["encrypted_index"],
  };
}

function finishOf(word: string): string {
  const names: Raw = {
    end_turn: "STOP",
    max_tokens: "MAX_TOKENS",
    stop_sequence: "STOP_SEQUENCE",
    tool_use: "TOOL_CALLS",
    refusal: "REFUSAL",
    pause_turn: "PAUSED",
  };
  if (!names[word]) throw new Error(`the reader has no rule for the finish reason ${word}`);
  return names[word] as string;
}

function usageOf(usage: Raw): ExpectedUsage {
  const iterations = (usage["iterations"] ?? []) as Raw[];
  // The figures at the top are those of the answer's own samplings; a compaction is billed as well.
  const counted = [usage, ...iterations.filter(({ type }) => type === "compaction")];
  const sum = (member: string): number | undefined => {
    const values = counted
      .map((one) => one[member] as number | null | undefined)
      .filter((value) => typeof value === "number");
    return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0);
  };
  const split = usage["cache_creation"] as Raw | null | undefined;
  const five = (split?.["ephemeral_5m_input_tokens"] ?? 0) as number;
  const hour = (split?.["ephemeral_1h_input_tokens"] ?? 0) as number;
  const rest = ((usage["cache_creation_input_tokens"] ?? 0) as number) - five - hour;
  const reasoning = usage["output_tokens_details"]?.thinking_tokens as number | undefined;
  const meters: Record<string, number> = {};
  for (const [unit, count] of Object.entries((usage["server_tool_use"] ?? {}) as Raw))
    if (count > 0) meters[unit] = count as number;
  for (const one of iterations.filter(({ type }) => type === "advisor_message")) {
    meters["advisor_message_input_tokens"] = one["input_tokens"] as number;
    meters["advisor_message_output_tokens"] = one["output_tokens"] as number;
  }
  const members = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"];
  const total =
    iterations.length > 0
      ? iterations.flatMap((one) => members.map((member) => one[member] as number)).reduce((a, b) => a + b, 0)
      : undefined;
  const output = sum("output_tokens");
  return {
    input: sum("input_tokens"),
    cacheRead: sum("cache_read_input_tokens"),
    writes: Object.fromEntries(Object.entries({ 300: five, 3600: hour, 0: rest }).filter(([, count]) => count > 0)),
    visible: output === undefined ? undefined : output - (reasoning ?? 0),
    reasoning,
    meters,
    total,
    sums: iterations.every(({ type }) => type !== "advisor_message"),
  };
}

const ERRORS: Readonly<Record<string, string>> = {
  authentication_error: "PROVIDER_CREDENTIAL",
  not_found_error: "MODEL_NOT_FOUND",
  overloaded_error: "PROVIDER_OVERLOADED",
};

function errorOf(status: number, raw: Raw): string {
  const { type, message } = raw["error"] as { type: string; message: string };
  const known = ERRORS[type];
  if (known) return known;
  if (type !== "invalid_request_error" || status !== 400)
    throw new Error(`the reader has no rule for the error ${type}`);
  return message.includes("prompt is too long") ? "CONTEXT_TOO_LONG" : "INVALID_REQUEST";
}
