import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Client, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import {
  type ChatRequestSchema,
  ChatService,
  FinishReason,
  GatewayErrorSchema,
  ErrorReason,
  ResponseFold,
  type ChatResponse,
  type StreamEvent,
} from "../../src/contract/index.ts";
import { EMPTY, type Outcome } from "./outcome.ts";
import { askRest } from "./rest-door.ts";

export type { Outcome } from "./outcome.ts";

/** One way into the gateway. */
export interface Door {
  readonly name: string;
  readonly stream: boolean;
  /** `onContent` is called when the first text of a streamed answer is there. */
  ask(request: MessageInitShape<typeof ChatRequestSchema>, key?: string, onContent?: () => void): Promise<Outcome>;
  close(): void;
}

const names = (table: Record<string, number | string>): Map<number, string> =>
  new Map(Object.entries(table).map(([name, value]) => [Number(value), name]));
const REASONS = names(ErrorReason);
const FINISHES = names(FinishReason);

/** Every door of the gateway: each protocol and framing, unary and streamed, and the REST shim. */
export function doorsOf(url: string, key: string): Door[] {
  const doors: Door[] = [];
  const transports: [string, (headers: () => Record<string, string>) => { transport: Transport; close: () => void }][] =
    [
      [
        "connect json http/1.1",
        (headers) =>
          plain(
            createConnectTransport({
              baseUrl: url,
              httpVersion: "1.1",
              useBinaryFormat: false,
              interceptors: [withHeaders(headers)],
            }),
          ),
      ],
      [
        "connect binary http/1.1",
        (headers) =>
          plain(
            createConnectTransport({
              baseUrl: url,
              httpVersion: "1.1",
              useBinaryFormat: true,
              interceptors: [withHeaders(headers)],
            }),
          ),
      ],
      [
        "connect binary http/2",
        (headers) =>
          plain(
            createConnectTransport({
              baseUrl: url,
              httpVersion: "2",
              useBinaryFormat: true,
              interceptors: [withHeaders(headers)],
            }),
          ),
      ],
      ["grpc", (headers) => plain(createGrpcTransport({ baseUrl: url, interceptors: [withHeaders(headers)] }))],
      [
        "grpc-web",
        (headers) =>
          plain(createGrpcWebTransport({ baseUrl: url, httpVersion: "1.1", interceptors: [withHeaders(headers)] })),
      ],
    ];
  for (const [name, make] of transports) {
    let current = key;
    const { transport } = make(() => ({ authorization: `Bearer ${current}` }));
    const client = createClient(ChatService, transport);
    const using = (other: string | undefined): void => void (current = other ?? key);
    doors.push({
      name: `${name} unary`,
      stream: false,
      ask: (request, other) => (using(other), askUnary(client, request)),
      close: () => {},
    });
    doors.push({
      name: `${name} stream`,
      stream: true,
      ask: (request, other, onContent) => (using(other), askStream(client, request, onContent)),
      close: () => {},
    });
  }
  doors.push({
    name: "rest unary",
    stream: false,
    ask: (request, other) => askRest(url, other ?? key, request, false),
    close: () => {},
  });
  doors.push({
    name: "rest stream",
    stream: true,
    ask: (request, other, onContent) => askRest(url, other ?? key, request, true, onContent),
    close: () => {},
  });
  return doors;
}

function plain(transport: Transport): { transport: Transport; close: () => void } {
  return { transport, close: () => {} };
}

function withHeaders(headers: () => Record<string, string>) {
  return (next: (request: any) => Promise<any>) => async (request: any) => {
    for (const [name, value] of Object.entries(headers())) request.header.set(name, value);
    return next(request);
  };
}

async function askUnary(
  client: Client<typeof ChatService>,
  request: MessageInitShape<typeof ChatRequestSchema>,
): Promise<Outcome> {
  try {
    const { response } = await client.generate({ request });
    if (!response) throw new Error("an answer without a response");
    return fromResponse(response, 1, true);
  } catch (thrown) {
    return fromError(thrown, { terminals: 1, contentSeen: false, text: "" });
  }
}

async function askStream(
  client: Client<typeof ChatService>,
  request: MessageInitShape<typeof ChatRequestSchema>,
  onContent?: () => void,
): Promise<Outcome> {
  const fold = new ResponseFold();
  let terminals = 0;
  let text = "";
  let seq = 0;
  const marks: string[] = [];
  let failedId: string | undefined;
  try {
    for await (const { event } of client.generateStream({ request })) {
      if (!event) throw new Error("a message without an event");
      if (event.event.case !== "keptAlive" && event.seq !== ++seq)
        throw new Error(`seq ${event.seq} where ${seq} is next`);
      fold.add(event);
      const mark = markOf(event);
      if (mark !== undefined) marks.push(mark);
      text = mark === "reset" ? "" : text + deltaText(event);
      if (text !== "") onContent?.();
      if (event.event.case === "completed") terminals += 1;
      if (event.event.case === "failed") {
        terminals += 1;
        failedId = event.event.value.error?.errorId;
      }
    }
    if (terminals === 0) return { ...EMPTY, end: "CUT", text, contentSeen: text !== "" };
    if (failedId !== undefined) return { ...EMPTY, end: "FAILED_WITH_OK_STATUS", text, terminals };
    const whole = { ...fromResponse(fold.response(), terminals, true), marks };
    // Whoever reads deltas must have read what whoever folds has folded.
    return text === "" || text === whole.text ? whole : { ...whole, end: "DELTAS_DIFFER", text };
  } catch (thrown) {
    const seen = { terminals: Math.max(1, terminals), contentSeen: text !== "", text };
    const outcome = { ...fromError(thrown, seen), marks };
    const detail = ConnectError.from(thrown).findDetails(GatewayErrorSchema)[0];
    if (failedId !== undefined && detail?.errorId !== failedId) return { ...outcome, end: "TWO_ERRORS" };
    return outcome;
  }
}

function deltaText({ event }: StreamEvent): string {
  if (event.case !== "blockDelta" || event.value.candidate > 0) return "";
  return event.value.delta.case === "text" ? event.value.delta.value : "";
}

function markOf({ event }: StreamEvent): string | undefined {
  if (event.case === "reset") return "reset";
  if (event.case !== "continued") return undefined;
  return `continued by ${event.value.origin?.provider}/${event.value.origin?.model}`;
}

function fromError(thrown: unknown, seen: Pick<Outcome, "terminals" | "contentSeen" | "text">): Outcome {
  const error = ConnectError.from(thrown);
  const detail = error.findDetails(GatewayErrorSchema)[0];
  const end = detail ? (REASONS.get(detail.reason) ?? "UNKNOWN_REASON") : `UNTYPED ${error.code} ${error.rawMessage}`;
  return { ...EMPTY, ...seen, end, attempts: detail?.attempts.length ?? 0 };
}

function fromResponse(response: ChatResponse, terminals: number, contentSeen: boolean): Outcome {
  const [candidate] = response.candidates;
  const outcome = { ...EMPTY, calls: [] as { name: string; arguments: string }[] };
  for (const part of candidate?.message?.parts ?? []) {
    if (part.kind.case === "text") outcome.text += part.kind.value.text;
    if (part.kind.case === "refusal") outcome.refusal += part.kind.value.text;
    if (part.kind.case === "reasoning") outcome.reasoning += part.kind.value.text.join("");
    if (part.kind.case === "toolCall")
      outcome.calls.push({ name: part.kind.value.name, arguments: String(part.kind.value.input.value) });
  }
  return {
    ...outcome,
    end: "completed",
    finish: FINISHES.get(candidate?.finish?.reason ?? 0) ?? "",
    provider: response.origin?.provider ?? "",
    model: response.origin?.model ?? "",
    attempts: response.attempts.length,
    inputTokens: (response.usage?.inputTokens ?? 0) + (response.usage?.cacheReadTokens ?? 0),
    outputTokens: (response.usage?.outputTokens ?? 0) + (response.usage?.reasoningTokens ?? 0),
    terminals,
    contentSeen,
  };
}
