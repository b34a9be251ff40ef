// What runs in the page: Connect-Web and the generated code, without a line of the SDK's own.
import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { ChatService, ErrorReasonSchema, GatewayErrorSchema, ModelService, Role } from "../../sdk/src/contract.ts";

/** How a page reaches the gateway. */
export interface PageTarget {
  readonly baseUrl: string;
  readonly key: string;
  readonly protocol: "connect" | "grpc-web";
}

/** What came of a call, in values that can leave the page. */
export interface PageOutcome {
  readonly end: string;
  readonly text: string;
  readonly events: readonly string[];
  /** Names and values of the headers that the page was allowed to see. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fields of the typed error. */
  readonly field: string | undefined;
  readonly attempts: number | undefined;
}

function transportTo({ baseUrl, key, protocol }: PageTarget) {
  const authorise: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  const options = { baseUrl, interceptors: [authorise] };
  return protocol === "connect" ? createConnectTransport(options) : createGrpcWebTransport(options);
}

function askFor(model: string, text: string) {
  return {
    request: { model, messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text } } as const }] }] },
  };
}

function failure(thrown: unknown): Pick<PageOutcome, "end" | "field" | "attempts"> {
  const error = ConnectError.from(thrown);
  const [detail] = error.findDetails(GatewayErrorSchema);
  if (!detail) return { end: `UNTYPED ${error.code}`, field: undefined, attempts: undefined };
  const end = ErrorReasonSchema.value[detail.reason]?.localName ?? "UNKNOWN";
  return { end, field: detail.field, attempts: detail.attempts.length };
}

/** Asks for a whole answer. */
export async function generate(target: PageTarget, model: string, text: string): Promise<PageOutcome> {
  const headers: Record<string, string> = {};
  const seen = { text: "", events: [], headers, field: undefined, attempts: undefined };
  const onHeader = (all: Headers): void => all.forEach((value, name) => (headers[name] = value));
  try {
    const client = createClient(ChatService, transportTo(target));
    const { response } = await client.generate(askFor(model, text), { onHeader });
    const part = response?.candidates[0]?.message?.parts[0]?.kind;
    return { ...seen, end: "completed", text: part?.case === "text" ? part.value.text : "" };
  } catch (thrown) {
    return { ...seen, ...failure(thrown) };
  }
}

/** Asks for a stream; with `leaveAfter`, aborts after so many pieces of text. */
export async function stream(target: PageTarget, model: string, leaveAfter?: number): Promise<PageOutcome> {
  const abort = new AbortController();
  const seen = { text: "", events: [] as string[], headers: {}, field: undefined, attempts: undefined };
  let pieces = 0;
  try {
    const client = createClient(ChatService, transportTo(target));
    for await (const { event } of client.generateStream(askFor(model, "Tell me a story"), { signal: abort.signal })) {
      seen.events.push(event?.event.case ?? "none");
      if (event?.event.case !== "blockDelta" || event.event.value.delta.case !== "text") continue;
      seen.text += event.event.value.delta.value;
      if (++pieces === leaveAfter) abort.abort();
    }
    return { ...seen, end: "completed" };
  } catch (thrown) {
    return { ...seen, ...failure(thrown) };
  }
}

/** Names of the models. */
export async function listModels(target: PageTarget): Promise<string[]> {
  const { models } = await createClient(ModelService, transportTo(target)).listModels({});
  return models.map((model) => model.name);
}
