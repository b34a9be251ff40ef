import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SANDBOX_MODELS, type SandboxModel, expectedOf, storyText } from "../src/sandbox/index.ts";
import type { Door } from "./support/doors.ts";
import {
  askWall,
  IMPATIENT,
  isAboutWaiting,
  named,
  PATIENT,
  problem,
  PROMPT_MODELS,
  startWall,
  WAITING_MODELS,
  type Wall,
  WALL_FORMATS,
  type WallFormat,
} from "./support/wall.ts";

// Every way in which the sandbox can break, in every wire format: one honest end each, and a healthy process afterwards.
// Chat completions through every door; the other formats, which doors know nothing of, through the contract's and the
// shim's. All doors for all formats are the slow suite's.

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

function ways({ doors }: Wall): (readonly [WallFormat, Door])[] {
  return WALL_FORMATS.flatMap((format, index) =>
    doors
      .filter(({ name }) => index === 0 || FEW_DOORS.some((few) => name.startsWith(few)))
      .map((door) => [format, door] as const),
  );
}

async function endsHonestly(wall: Wall, model: SandboxModel): Promise<void> {
  const found = await Promise.all(
    ways(wall).map(async ([format, door]) => {
      const outcome = await askWall(door, format, named(model, door, format));
      return `${format.format}, ${door.name}: ${problem(model, format, door, outcome) ?? "fine"}`;
    }),
  );
  expect(found).toEqual(ways(wall).map(([format, door]) => `${format.format}, ${door.name}: fine`));
}

const named1 = (model: SandboxModel) => [model.name, model] as const;

test.each(PROMPT_MODELS.map(named1))("%s ends once and honestly through every door", async (_name, model) => {
  await endsHonestly(patient, model);
});

test.concurrent.each(WAITING_MODELS.map(named1))(
  "%s ends once and honestly through every door",
  async (_name, model) => {
    await endsHonestly(impatient, model);
  },
);

type Mode = "unary" | "stream";

function rescuable(format: WallFormat, mode: Mode): SandboxModel[] {
  const models = SANDBOX_MODELS.filter(
    (model) => expectedOf(model, format.format, mode).class === "fails_before_content",
  );
  // A unary call waits for the total, which covers all attempts: silence leaves no time for another.
  return mode === "unary" ? models.filter((model) => !isAboutWaiting(model)) : models;
}

/** Chat completions through every door of the mode, each other format through one; rescued by the next format. */
function rescues(doors: readonly Door[], model: SandboxModel, mode: Mode): (readonly [WallFormat, Door, string])[] {
  const modes = doors.filter((door) => door.stream === (mode === "stream"));
  return WALL_FORMATS.flatMap((format, index) => {
    if (!rescuable(format, mode).includes(model)) return [];
    const next = WALL_FORMATS[(index + 1) % WALL_FORMATS.length]!;
    const used = index === 0 ? modes : modes.slice(index, index + 1);
    return used.map((door) => [format, door, `${next.provider}/story@delay_ms=0`] as const);
  });
}

describe.each(["unary", "stream"] as const)("a fallback rescues a %s request from", (mode) => {
  const models = SANDBOX_MODELS.filter((model) =>
    WALL_FORMATS.some((format) => rescuable(format, mode).includes(model)),
  );
  test.concurrent.each(models.map(named1))("%s, and nothing of the first attempt shows", async (_name, model) => {
    // A gateway of its own: extra attempts are bounded over all requests of the last ten seconds.
    const wall = await startWall(isAboutWaiting(model) ? IMPATIENT : PATIENT);
    try {
      const found = await Promise.all(
        rescues(wall.doors, model, mode).map(([format, door, fallback]) =>
          askWall(door, format, named(model, door, format), [fallback]),
        ),
      );
      for (const outcome of found)
        expect(outcome).toMatchObject({ end: "completed", text: storyText, attempts: 2, terminals: 1 });
    } finally {
      await wall.close();
    }
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
