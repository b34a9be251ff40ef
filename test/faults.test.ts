import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SANDBOX_MODELS, type SandboxModel, expectedOf, storyText } from "../src/sandbox/index.ts";
import type { Door } from "./support/doors.ts";
import {
  allFine,
  askWall,
  endings,
  IMPATIENT,
  isAboutWaiting,
  named,
  PATIENT,
  PROMPT_MODELS,
  startWall,
  WAITING_MODELS,
  type Wall,
  WALL_FORMATS,
  type WallFormat,
  type Way,
} from "./support/wall.ts";

// Every way in which the sandbox can break, in every wire format: one honest end each, and a healthy process afterwards.
// All doors for all formats are the slow suite's.

let patient: Wall;
let impatient: Wall;

beforeAll(async () => {
  patient = await startWall(PATIENT);
  impatient = await startWall(IMPATIENT);
});

afterAll(async () => {
  await patient.close();
  await impatient.close();
});

const FEW_DOORS = ["connect binary http/2", "rest"];

/** Chat completions through every door, the other formats through few. */
function mostWays({ doors }: Wall): Way[] {
  return WALL_FORMATS.flatMap((format, index) =>
    doors
      .filter(({ name }) => index === 0 || FEW_DOORS.some((few) => name.startsWith(few)))
      .map((door): Way => [format, door]),
  );
}

const byName = (model: SandboxModel) => [model.name, model] as const;

test.each(PROMPT_MODELS.map(byName))("%s ends once and honestly through every door", async (_name, model) => {
  expect(await endings(model, mostWays(patient))).toEqual(allFine(mostWays(patient)));
});

test.concurrent.each(WAITING_MODELS.map(byName))(
  "%s ends once and honestly through every door",
  async (_name, model) => {
    expect(await endings(model, mostWays(impatient))).toEqual(allFine(mostWays(impatient)));
  },
);

const MODES = ["unary", "stream"] as const;
type Mode = (typeof MODES)[number];

function rescuable(format: WallFormat, mode: Mode): SandboxModel[] {
  const models = SANDBOX_MODELS.filter(
    (model) => expectedOf(model, format.format, mode).class === "fails_before_content",
  );
  // A unary call waits for the total, which covers all attempts: silence leaves no time for another.
  return mode === "unary" ? models.filter((model) => !isAboutWaiting(model)) : models;
}

/** Chat completions through two doors of the mode, each other format through one; rescued by the next format. */
function rescues(doors: readonly Door[], model: SandboxModel, mode: Mode): (readonly [WallFormat, Door, string])[] {
  const modes = doors.filter((door) => door.stream === (mode === "stream"));
  return WALL_FORMATS.flatMap((format, index) => {
    if (!rescuable(format, mode).includes(model)) return [];
    const next = WALL_FORMATS[(index + 1) % WALL_FORMATS.length]!;
    const used = index === 0 ? [modes[0]!, modes.at(-1)!] : modes.slice(index, index + 1);
    return used.map((door) => [format, door, `${next.provider}/story@delay_ms=0`] as const);
  });
}

// All doors, formats and modes of it are the slow suite's: docs/faults.md.
async function rescuesAll(model: SandboxModel): Promise<void> {
  // A gateway of its own, and few enough: extra attempts are bounded over all requests of the last ten seconds.
  const wall = await startWall(isAboutWaiting(model) ? WAITS_ONCE : PATIENT);
  try {
    const asked = MODES.flatMap((mode) => rescues(wall.doors, model, mode));
    const found = await Promise.all(
      asked.map(([format, door, fallback]) => askWall(door, format, named(model, door, format), [fallback])),
    );
    for (const outcome of found) expect(outcome).toMatchObject({ end: "completed", text: storyText, terminals: 1 });
    // Once a credential is known to be of no use, requests go to the other target at once.
    const attempts = new Set(found.map((outcome) => outcome.attempts));
    expect(attempts.has(2)).toBe(true);
    expect(attempts.isSubsetOf(new Set([1, 2]))).toBe(true);
  } finally {
    await wall.close();
  }
}

// Gives the first target up soon, and the second one all the time that a busy machine takes.
const WAITS_ONCE = `${PATIENT}server:
  timeouts: { first_content: 1s, reasoning_first_content: 1s, progress: 5s, total: 9s }
`;

describe("a fallback rescues whole and streamed requests from", () => {
  const models = SANDBOX_MODELS.filter((model) =>
    MODES.some((mode) => WALL_FORMATS.some((format) => rescuable(format, mode).includes(model))),
  );
  const prompt = models.filter((model) => !isAboutWaiting(model));
  test.each(prompt.map(byName))("%s, and nothing of the first attempt shows", async (_name, model) => {
    await rescuesAll(model);
  });
  const waiting = models.filter(isAboutWaiting);
  test.concurrent.each(waiting.map(byName))("%s, and nothing of the first attempt shows", async (_name, model) => {
    await rescuesAll(model);
  });
});

test("afterwards the gateways are healthy and hold nothing", async () => {
  for (const { gateway, doors } of [patient, impatient]) {
    expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    for (const format of WALL_FORMATS) expect((await askWall(doors[0]!, format, "echo")).end).toBe("completed");
    const metrics = await fetch(`${gateway.url}/metrics`, { headers: { authorization: `Bearer ${gateway.adminKey}` } });
    expect(await metrics.text()).toContain("parley_chat_running 0\n");
  }
});
