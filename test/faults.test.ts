import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Role } from "../src/contract/index.ts";
import { SANDBOX_MODELS, storyText, type SandboxModel } from "../src/sandbox/index.ts";
import { doorsOf, type Door, type Outcome } from "./support/doors.ts";
import { startGateway, type TestGateway } from "./support/gateway.ts";

// Every way in which the sandbox can break, through every door: one honest end each, and a healthy process afterwards.
// Most faults show at once; those that are about waiting get a gateway that waits less.
const PATIENT = "version: 1\nsandbox: true\n";
const IMPATIENT = `${PATIENT}server:
  timeouts: { first_content: 500ms, reasoning_first_content: 500ms, progress: 500ms, total: 1500ms }
`;

interface Wall {
  readonly gateway: TestGateway;
  readonly doors: readonly Door[];
}

async function build(yaml: string): Promise<Wall> {
  const gateway = await startGateway({ yaml });
  return { gateway, doors: doorsOf(gateway.url, gateway.adminKey) };
}

let patient: Wall;
let impatient: Wall;

beforeAll(async () => {
  patient = await build(PATIENT);
  impatient = await build(IMPATIENT);
});

afterAll(async () => {
  await patient.gateway.close();
  await impatient.gateway.close();
});

function ask(door: Door, model: string, fallbackModels: string[] = []): Promise<Outcome> {
  return door.ask({
    model: `sandbox/${model}`,
    messages: [{ role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Tell me a story" } } }] }],
    routing: { fallbackModels },
  });
}

/** Whether what is to be seen is that the gateway stops waiting. */
function isAboutWaiting(model: SandboxModel): boolean {
  return [model.expected.unary, model.expected.stream].some((expected) => expected.reason === "PROVIDER_TIMEOUT");
}

/** The model's id with quick tokens and, where it remembers, a memory of its own for each door. */
function named(model: SandboxModel, door: Door): string {
  // Slow but good for a whole answer: how slow is not the point, the total is tested by silence.
  const quick = model.expected.unary.class === "answer" && !door.stream && isAboutWaiting(model) ? ",wait_ms=50" : "";
  // One write per byte takes its time: a shorter story shows as much.
  const short = model.name === "fault-tiny-chunks" ? ",tokens=8" : "";
  return `${model.name}@delay_ms=0${quick}${short},id=${door.name.replaceAll(/[^a-z0-9]/g, "")}`;
}

/** What is wrong with an outcome, or undefined. */
function problem(model: SandboxModel, door: Door, outcome: Outcome): string | undefined {
  const expected = door.stream ? model.expected.stream : model.expected.unary;
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

describe.each(SANDBOX_MODELS.map((model) => [model.name, model] as const))("sandbox/%s", (_name, model) => {
  test("ends once and honestly through every door", async () => {
    const { doors } = isAboutWaiting(model) ? impatient : patient;
    const outcomes = await Promise.all(
      doors.map(async (door) => ({ door, outcome: await ask(door, named(model, door)) })),
    );
    const problems = outcomes.map(({ door, outcome }) => `${door.name}: ${problem(model, door, outcome) ?? "fine"}`);
    expect(problems).toEqual(doors.map((door) => `${door.name}: fine`));
  });
});

function rescuable(mode: "unary" | "stream"): (readonly [string, SandboxModel])[] {
  const models = SANDBOX_MODELS.filter((model) => model.expected[mode].class === "fails_before_content");
  // A unary call waits for the total, which covers all attempts: silence leaves no time for another.
  const timely = mode === "unary" ? models.filter((model) => !isAboutWaiting(model)) : models;
  return timely.map((model) => [model.name, model] as const);
}

describe.each(["unary", "stream"] as const)("a fallback rescues a %s request from", (mode) => {
  test.each(rescuable(mode))("sandbox/%s, and nothing of the first attempt shows", async (_name, model) => {
    // A gateway of its own: extra attempts are bounded over all requests of the last ten seconds.
    const wall = await build(isAboutWaiting(model) ? IMPATIENT : PATIENT);
    try {
      const doors = wall.doors.filter((door) => door.stream === (mode === "stream"));
      const outcomes = await Promise.all(
        doors.map((door) => ask(door, named(model, door), ["sandbox/story@delay_ms=0"])),
      );
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1 });
    } finally {
      await wall.gateway.close();
    }
  });
});

test("afterwards the gateways are healthy and hold nothing", async () => {
  for (const { gateway, doors } of [patient, impatient]) {
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    expect((await ask(doors[0]!, "echo")).end).toBe("completed");
    const metrics = await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${gateway.adminKey}` } });
    expect(await metrics.text()).toContain("parley_chat_running 0\n");
  }
});
