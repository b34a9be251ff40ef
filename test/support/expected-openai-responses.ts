import type { CorpusCase } from "./corpus.ts";

// What a recording of the Responses API says, read straight from its JSON by rules of its own: this file shares no code
// with src, so that it can prove src wrong.

/** What an answer must come to. */
export interface ExpectedAnswer {
  readonly text: string;
  readonly phases: readonly string[];
  readonly refusal: string;
  readonly reasoning: string;
  readonly summaries: readonly string[];
  /** Encrypted reasoning, in order. */
  readonly encrypted: readonly string[];
  /** Calls that the caller is to run. */
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  /** Types of the calls that the provider ran. */
  readonly providerCalls: readonly string[];
  readonly pictures: number;
  /** Types of items that are kept word for word. */
  readonly kept: readonly string[];
  /** The address or the file of each citation, and where it stands. */
  readonly cited: readonly string[];
  readonly finish: string;
  readonly tier: string;
  readonly usage: ExpectedUsage | undefined;
}

/** Figures as disjoint buckets; undefined is unknown. */
export interface ExpectedUsage {
  readonly uncached: number;
  readonly cacheRead: number | undefined;
  readonly cacheWrite: number;
  readonly visible: number;
  readonly reasoning: number | undefined;
  readonly total: number;
  readonly sums: boolean;
  readonly webSearches: number;
}

/** An answer, or the name of the error's reason. */
export type Expected = { readonly answer: ExpectedAnswer } | { readonly error: string };

interface RawNote {
  readonly type: string;
  readonly url?: string;
  readonly file_id?: string;
  readonly start_index?: number;
  readonly end_index?: number;
}

interface RawPiece {
  readonly type?: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly annotations?: readonly RawNote[];
}

/** One output item as recorded. */
export interface RawItem {
  readonly type: string;
  readonly id?: string;
  readonly call_id?: string | null;
  readonly name?: string;
  readonly arguments?: unknown;
  readonly input?: string;
  readonly action?: { readonly type?: string } | null;
  readonly execution?: string;
  readonly environment?: { readonly type?: string } | null;
  readonly content?: readonly RawPiece[] | null;
  readonly summary?: readonly RawPiece[] | null;
  readonly encrypted_content?: string | null;
  readonly phase?: string | null;
  readonly result?: string | null;
}

interface RawResponse {
  readonly status?: string;
  readonly output?: readonly RawItem[];
  readonly service_tier?: string;
  readonly incomplete_details?: { readonly reason?: string } | null;
  readonly error?: RawError | null;
  readonly usage?: {
    readonly input_tokens: number;
    readonly input_tokens_details?: { readonly cached_tokens?: number; readonly cache_write_tokens?: number };
    readonly output_tokens: number;
    readonly output_tokens_details?: { readonly reasoning_tokens?: number };
    readonly total_tokens: number;
    readonly server_side_tool_usage_details?: { readonly web_search_calls?: number };
  } | null;
  readonly tool_usage?: { readonly web_search?: { readonly num_requests?: number } };
}

interface RawError {
  readonly code?: string | null;
  readonly message?: string;
}

/** One event as recorded. */
export interface RawEvent {
  readonly type: string;
  readonly output_index?: number;
  readonly content_index?: number;
  readonly summary_index?: number;
  readonly delta?: unknown;
  readonly item?: RawItem;
  readonly response?: RawResponse;
  readonly error?: RawError;
  readonly code?: string;
  readonly message?: string;
}

const TERMINALS = ["response.completed", "response.incomplete", "response.failed"];

/** What the case must come to. Throws where the reader has no rule for it. */
export function expectedOf(recording: CorpusCase): Expected {
  if (recording.kind === "error") return { error: errorOf(recording.status, recording.bodyText) };
  if (recording.kind === "unary") {
    const response = JSON.parse(recording.bodyText) as RawResponse;
    return { answer: answerOf(response.output ?? [], response, response.status ?? "") };
  }
  const events = recordedEvents(recording.bodyText);
  const last = events.at(-1);
  if (last?.type === "error" || last?.type === "response.failed") {
    const error = last.error ?? last.response?.error ?? last;
    return { error: codeReason(error.code ?? "") };
  }
  if (!last?.response || !TERMINALS.includes(last.type)) return { error: "STREAM_INTERRUPTED" };
  return { answer: answerOf(streamedItems(events), last.response, last.type.slice("response.".length)) };
}

/** The events of a stream up to the first that ends an answer. */
export function recordedEvents(text: string): RawEvent[] {
  const events: RawEvent[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (!line.startsWith("data:") || line.slice(5).trim() === "[DONE]") continue;
    const event = JSON.parse(line.slice(5)) as RawEvent;
    events.push(event);
    if (event.type === "error" || TERMINALS.includes(event.type)) break;
  }
  return events;
}

// The items as they were when done, but with the texts that their deltas add up to.
function streamedItems(events: readonly RawEvent[]): RawItem[] {
  const sums = new Map<string, string>();
  for (const { type, output_index: index, content_index: place, summary_index: summary, delta } of events) {
    if (!type.endsWith(".delta") || typeof delta !== "string") continue;
    const key = `${index}/${type.split(".")[1]}/${place ?? summary ?? 0}`;
    sums.set(key, (sums.get(key) ?? "") + delta);
  }
  const done = events.filter(({ type }) => type === "response.output_item.done");
  return done.map(({ output_index: index, item }) => {
    const sum = (what: string, place: number): string | undefined => sums.get(`${index}/${what}/${place}`);
    const whole = item as RawItem;
    const textOf = whole.type === "reasoning" ? "reasoning_text" : "output_text";
    return {
      ...whole,
      content:
        whole.content?.map((piece, place) => {
          const isRefusal = piece.type === "refusal";
          const said = sum(isRefusal ? "refusal" : textOf, place);
          if (said === undefined) return piece;
          return isRefusal ? { ...piece, refusal: said } : { ...piece, text: said };
        }) ?? null,
      summary:
        whole.summary?.map((piece, place) => ({
          ...piece,
          text: sum("reasoning_summary_text", place) ?? piece.text ?? "",
        })) ?? null,
      arguments: sum("function_call_arguments", 0) ?? whole.arguments,
      ...(whole.type === "custom_tool_call" ? { input: sum("custom_tool_call_input", 0) ?? whole.input ?? "" } : {}),
    };
  });
}

const CLIENT_TOOLS: Readonly<Record<string, string>> = {
  computer_call: "computer",
  local_shell_call: "local_shell",
  apply_patch_call: "apply_patch",
};

function isClientRun(item: RawItem): boolean {
  if (item.type === "shell_call") return item.environment?.type !== "container_reference";
  if (item.type === "tool_search_call") return item.execution === "client";
  return ["function_call", "custom_tool_call"].includes(item.type) || item.type in CLIENT_TOOLS;
}

const PROVIDER_TOOLS = [
  "web_search_call",
  "file_search_call",
  "code_interpreter_call",
  "image_generation_call",
  "mcp_call",
  "program",
  "shell_call",
  "tool_search_call",
];
const OTHERS = ["message", "reasoning", "shell_call_output", "tool_search_output", "program_output"];

function answerOf(items: readonly RawItem[], response: RawResponse, status: string): ExpectedAnswer {
  const pieces = items.filter(({ type }) => type === "message").flatMap((item) => item.content ?? []);
  const said = items.filter(({ type, content }) => type === "message" && content?.some(({ text }) => text));
  const thoughts = items.filter(({ type }) => type === "reasoning");
  const calls = items.filter(isClientRun);
  const ran = items.filter((item) => PROVIDER_TOOLS.includes(item.type) && !isClientRun(item));
  const refusal = pieces.map((piece) => piece.refusal ?? "").join("");
  return {
    text: pieces.map(({ text }) => text ?? "").join(""),
    phases: said.map(({ phase }) => phase ?? ""),
    refusal,
    reasoning: thoughts.flatMap(({ content }) => (content ?? []).map(({ text }) => text ?? "")).join(""),
    summaries: thoughts.flatMap(({ summary }) => (summary ?? []).map(({ text }) => text ?? "")),
    encrypted: thoughts.flatMap(({ encrypted_content: state }) => (state ? [state] : [])),
    calls: calls.map((item) => ({
      id: item.call_id ?? "",
      name: CLIENT_TOOLS[item.type] ?? item.name ?? "",
      input: inputOf(item),
    })),
    providerCalls: ran.map(({ type }) => type),
    pictures: items.filter(({ type, result }) => type === "image_generation_call" && result).length,
    kept: items
      .filter((item) => !isClientRun(item) && ![...PROVIDER_TOOLS, ...OTHERS].includes(item.type))
      .map(({ type }) => type),
    cited: pieces.flatMap(({ annotations }) => (annotations ?? []).map(citedOf)),
    finish: finishOf(status, response.incomplete_details?.reason, calls.length > 0, refusal !== ""),
    tier: response.service_tier ?? "",
    usage: usageOf(response, ran),
  };
}

function inputOf(item: RawItem): string {
  if (item.type === "custom_tool_call") return item.input ?? "";
  if (typeof item.arguments === "string") return item.arguments;
  return JSON.stringify(item.action ?? item.arguments);
}

function citedOf({ url, file_id: file, start_index: start, end_index: end }: RawNote): string {
  const placed = start !== undefined && end !== undefined && end > start;
  return `${url ?? file ?? ""}${placed ? `@${start}-${end}` : ""}`;
}

function finishOf(status: string, reason: string | undefined, calls: boolean, refused: boolean): string {
  if (status === "completed") return calls ? "TOOL_CALLS" : refused ? "REFUSAL" : "STOP";
  if (status === "incomplete" && reason === "max_output_tokens") return "MAX_TOKENS";
  throw new Error(`the reader has no rule for the ending ${status} ${reason}`);
}

function usageOf(response: RawResponse, ran: readonly RawItem[]): ExpectedUsage | undefined {
  const { usage, tool_usage: tools } = response;
  if (!usage) return undefined;
  const cacheRead = usage.input_tokens_details?.cached_tokens;
  const cacheWrite = usage.input_tokens_details?.cache_write_tokens ?? 0;
  const reasoning = usage.output_tokens_details?.reasoning_tokens;
  const searches = ran.filter(
    ({ type, action }) => type === "web_search_call" && (action?.type ?? "search") === "search",
  );
  return {
    uncached: usage.input_tokens - (cacheRead ?? 0) - cacheWrite,
    cacheRead,
    cacheWrite,
    visible: usage.output_tokens - (reasoning ?? 0),
    reasoning,
    total: usage.total_tokens,
    sums: usage.input_tokens + usage.output_tokens === usage.total_tokens,
    webSearches:
      usage.server_side_tool_usage_details?.web_search_calls ?? tools?.web_search?.num_requests ?? searches.length,
  };
}

const BY_CODE: Readonly<Record<string, string>> = {
  model_not_found: "MODEL_NOT_FOUND",
  invalid_value: "INVALID_REQUEST",
  invalid_api_key: "PROVIDER_CREDENTIAL",
  insufficient_quota: "PROVIDER_BILLING",
  rate_limit_exceeded: "PROVIDER_RATE_LIMITED",
  server_error: "PROVIDER_ERROR",
};

function codeReason(code: string): string {
  const reason = BY_CODE[code];
  if (reason === undefined) throw new Error(`the reader has no rule for the error code ${JSON.stringify(code)}`);
  return reason;
}

function errorOf(status: number, body: string): string {
  const { error } = JSON.parse(body) as { readonly error: RawError | string };
  if (typeof error !== "string") return codeReason(error.code ?? "");
  // One vendor's code is the same for every mistake, so that its sentence has to tell.
  if (error.includes("API key")) return "PROVIDER_CREDENTIAL";
  if (error.includes("Model not found")) return "MODEL_NOT_FOUND";
  throw new Error(`the reader has no rule for this error of status ${status}`);
}
