import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ChatRequest, type ChatRequestSchema, Role } from "../../src/contract/index.ts";
import { SANDBOX_MODELS, type SandboxModel, expectedOf, storyText } from "../../src/sandbox/index.ts";
import { doorsOf, type Door, type Outcome } from "./doors.ts";
import { startGateway, type TestGateway } from "./gateway.ts";

// The sandbox as the wall that tests play against: fault x wire format x unary or stream x door.

/** A wire format of the sandbox, and the provider through which a gateway speaks it. */
export interface WallFormat {
  readonly format: string;
  readonly provider: string;
}

/** The wire formats. */
export const WALL_FORMATS: readonly WallFormat[] = [
  { format: "openai-chat", provider: "sandbox" },
  { format: "openai-responses", provider: "sandbox-responses" },
  { format: "anthropic-messages", provider: "sandbox-anthropic" },
  { format: "gemini-generate", provider: "sandbox-gemini" },
];

/** The configuration of a gateway for faults that show at once. */
export const PATIENT = "version: 1\nsandbox: true\n";

/** The configuration of a gateway for faults that are about waiting: it waits less. */
export const IMPATIENT = `${PATIENT}server:
  timeouts: { first_content: 500ms, reasoning_first_content: 500ms, progress: 500ms, total: 1500ms }
`;

/** A gateway before the wall, and every way into it. */
export interface Wall {
  readonly gateway: TestGateway;
  readonly doors: readonly Door[];
  close(): Promise<void>;
}

/** Starts a gateway before the wall. */
export async function startWall(yaml: string): Promise<Wall> {
  const gateway = await startGateway({ yaml });
  return { gateway, doors: doorsOf(gateway.url, gateway.adminKey), close: () => gateway.close() };
}

/** What a request may ask besides a story. */
export type WallRequest = Exclude<MessageInitShape<typeof ChatRequestSchema>, ChatRequest>;

/** Asks a model of the wall for a story, over a wire format and through a door: once, or else the fallbacks, too. */
export function askWall(
  door: Door,
  { provider }: WallFormat,
  model: string,
  fallbackModels: string[] = [],
  more: WallRequest = {},
): Promise<Outcome> {
  return door.ask({
    ...more,
    model: `${provider}/${model}`,
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Tell me a story" } } }] }],
    routing: { fallbackModels, maxAttempts: 1 + fallbackModels.length },
  });
}

/** Whether what is to be seen is that the gateway stops waiting. */
export function isAboutWaiting(model: SandboxModel): boolean {
  return [model.expected.unary, model.expected.stream].some((expected) => expected.reason === "PROVIDER_TIMEOUT");
}

/** The models of the wall whose faults show at once. */
export const PROMPT_MODELS: readonly SandboxModel[] = SANDBOX_MODELS.filter((model) => !isAboutWaiting(model));
/** The models of the wall whose faults are about waiting. */
export const WAITING_MODELS: readonly SandboxModel[] = SANDBOX_MODELS.filter(isAboutWaiting);

/** The model's id with quick tokens and, where it remembers, a memory of its own for each door and format. */
export function named(model: SandboxModel, door: Door, { format }: WallFormat): string {
  // Slow but good for a whole answer: how slow is not the point, the total is tested by silence.
  const quick = model.expected.unary.class === "answer" && !door.stream && isAboutWaiting(model) ? ",wait_ms=50" : "";
  // One write per byte takes its time: a shorter story shows as much.
  const short = model.name === "fault-tiny-chunks" ? ",tokens=4" : "";
  const own = `${format}${door.name}`.replaceAll(/[^a-z0-9]/g, "");
  return `${model.name}@delay_ms=0${quick}${short},id=${own}`;
}

/** What is wrong with the outcome of one attempt, or undefined. */
function problem(model: SandboxModel, { format }: WallFormat, door: Door, outcome: Outcome): string | undefined {
  const expected = expectedOf(model, format, door.stream ? "stream" : "unary");
  if (outcome.terminals !== 1) return `${outcome.terminals} terminals`;
  if (outcome.end.startsWith("UNTYPED")) return outcome.end;
  const failed = outcome.end !== "completed";
  switch (expected.class) {
    case "answer":
      return failed ? `failed with ${outcome.end}` : undefined;
    case "answer_or_failure":
      return undefined;
    case "fails_after_content":
      if (!failed) return "completed";
      if (door.stream && outcome.contentSeen && !storyText.startsWith(outcome.text))
        return "delivered something else than the story";
      break;
    default:
      if (!failed) return "completed";
      if (outcome.contentSeen) return "delivered content";
  }
  return expected.reason !== undefined && outcome.end !== expected.reason
    ? `${outcome.end} instead of ${expected.reason}`
    : undefined;
}

/** A wire format, and a door. */
export type Way = readonly [WallFormat, Door];

/** What came of asking a model in each way: `fine`, or what is wrong. */
export async function endings(model: SandboxModel, ways: readonly Way[]): Promise<string[]> {
  return Promise.all(
    ways.map(async ([format, door]) => {
      const outcome = await askWall(door, format, named(model, door, format));
      return ending([format, door], problem(model, format, door, outcome));
    }),
  );
}

/** What `endings` says where nothing is wrong. */
export function allFine(ways: readonly Way[]): string[] {
  return ways.map((way) => ending(way, undefined));
}

function ending([format, door]: Way, wrong: string | undefined): string {
  return `${format.format}, ${door.name}: ${wrong ?? "fine"}`;
}
