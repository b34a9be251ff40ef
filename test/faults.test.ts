import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SANDBOX_MODELS, type SandboxModel } from "../src/sandbox/index.ts";
import { rescuesAll } from "./support/rescues.ts";
import {
  allFine,
  askWall,
  endings,
  IMPATIENT,
  PATIENT,
  PROMPT_MODELS,
  startWall,
  WAITING_MODELS,
  type Wall,
  WALL_FORMATS,
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

/** Chat completions through a third of the doors, others for the next fault, and the other formats through few. */
function someWays({ doors }: Wall, model: SandboxModel): Way[] {
  const turn = SANDBOX_MODELS.indexOf(model);
  const some = doors.filter((_door, index) => (index + turn) % 3 === 0);
  const few = doors.filter(({ name }) => FEW_DOORS.some((one) => name.startsWith(one)));
  return WALL_FORMATS.flatMap((format, index) => (index === 0 ? some : few).map((door): Way => [format, door]));
}

const byName = (model: SandboxModel) => [model.name, model] as const;

test.each(PROMPT_MODELS.map(byName))("%s ends once and honestly through its doors", async (_name, model) => {
  const ways = someWays(patient, model);
  expect(await endings(model, ways)).toEqual(allFine(ways));
});

test.concurrent.each(WAITING_MODELS.map(byName))(
  "%s ends once and honestly through its doors",
  async (_name, model) => {
    const ways = someWays(impatient, model);
    expect(await endings(model, ways)).toEqual(allFine(ways));
  },
);

// One of each kind; all of them are the slow suite's.
const RESCUED = ["fault-429", "fault-500-once", "fault-403-account", "fault-reset", "fault-html", "fault-error-event"];

describe("a fallback rescues whole and streamed requests from", () => {
  test.each(RESCUED)("%s, and nothing of the first attempt shows", async (name) => {
    await rescuesAll(SANDBOX_MODELS.find((model) => model.name === name)!);
  });
  test("fault-silence, and nothing of the first attempt shows", async () => {
    await rescuesAll(WAITING_MODELS.find((model) => model.name === "fault-silence")!);
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
