import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ChatService, Role, type ChatRequestSchema, type StreamEvent } from "../../src/contract/index.ts";
import { realRuntime } from "../../src/runtime/real.ts";
import { startSandbox, type Sandbox } from "../../src/sandbox/index.ts";
import type { Door } from "./doors.ts";
import { PATIENT, startWall, type Wall, type WallRequest } from "./wall.ts";

// What the stories of the delivery modes share.

/** Faults that show at once, after content. */
export const PROMPT_FAULTS: readonly string[] = [
  "fault-cut",
  "fault-fin",
  "fault-error-event-late",
  "fault-malformed-event",
  "fault-bad-utf8",
  "fault-no-finish",
  "fault-done-without-finish",
];

/** The sandbox on its own, quick. */
export function startFarSandbox(): Promise<Sandbox> {
  return startSandbox({ runtime: realRuntime(), tokenDelayMs: 0 });
}

/** Providers of which a gateway knows only what its configuration says: they continue, say the same again, or neither. */
export function farProviders({ url }: Sandbox): string {
  const provider = (name: string, facts: string): string =>
    `  ${name}: { kind: openai-compatible, base_url: "${url}/v1", api_key: a-key-of-a-provider, models: any, ${facts} }\n`;
  return [
    "providers:\n",
    provider("continues", "capabilities: { prefill: true }"),
    provider("repeats", "capabilities: { prefill: false }, deterministic: true"),
    provider("neither", "capabilities: { prefill: false }"),
  ].join("");
}

/** Works with a gateway that has a fresh budget of extra attempts. */
export async function withWall<Result>(work: (wall: Wall) => Promise<Result>, yaml = PATIENT): Promise<Result> {
  const wall = await startWall(yaml);
  try {
    return await work(wall);
  } finally {
    await wall.close();
  }
}

/** A quick model of the sandbox, of which no other request has spoiled the statistics. */
export function freshModel(name: string, settings = ""): string {
  fresh += 1;
  return `${name}@delay_ms=0,id=fresh${fresh}${settings === "" ? "" : `,${settings}`}`;
}

let fresh = 0;

/** The doors that stream. */
export function streams({ doors }: Wall): Door[] {
  return doors.filter(({ stream }) => stream);
}

/** A request for a story, of this model or else these. */
export function asking(model: string, fallbackModels: string[] = [], text = "Tell me a story"): WallRequest {
  return {
    model,
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text } } }] }],
    routing: { fallbackModels },
  };
}

/** The events of an answer over the contract, and what the call failed with. */
export async function readEvents(
  { gateway }: Wall,
  request: MessageInitShape<typeof ChatRequestSchema>,
  onEvent: (event: StreamEvent) => void = () => {},
): Promise<{ readonly events: readonly StreamEvent[]; readonly error: unknown }> {
  const headers = { authorization: `Bearer ${gateway.adminKey}` };
  const transport = createConnectTransport({ baseUrl: gateway.url, httpVersion: "1.1" });
  const events: StreamEvent[] = [];
  try {
    for await (const { event } of createClient(ChatService, transport).generateStream({ request }, { headers })) {
      if (!event) throw new Error("a message without an event");
      events.push(event);
      onEvent(event);
    }
  } catch (error) {
    return { events, error };
  }
  return { events, error: undefined };
}

/** The value of the only event of this kind. */
export function only(events: readonly StreamEvent[], kind: StreamEvent["event"]["case"]): any {
  const found = events.filter(({ event }) => event.case === kind);
  if (found.length !== 1) throw new Error(`${found.length} events ${kind}`);
  return found[0]?.event.value;
}

/** The text of these events' deltas. */
export function textDeltas(events: readonly StreamEvent[]): string {
  return events
    .map(({ event }) =>
      event.case === "blockDelta" && event.value.delta.case === "text" ? event.value.delta.value : "",
    )
    .join("");
}
