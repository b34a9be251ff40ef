import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  allFine,
  endings,
  IMPATIENT,
  isAboutWaiting,
  PATIENT,
  startWall,
  type Wall,
  WALL_FORMATS,
  type Way,
} from "./support/wall.ts";
import { RESCUABLE, rescuesAll } from "./support/rescues.ts";
import { SANDBOX_MODELS } from "../src/sandbox/index.ts";

// Every fault of the sandbox x every wire format x every door.

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

describe.each(WALL_FORMATS.map((format) => [format.format, format] as const))("over %s", (_format, format) => {
  test.each(SANDBOX_MODELS.map((model) => [model.name, model] as const))("%s ends honestly", async (_name, model) => {
    const { doors } = isAboutWaiting(model) ? impatient : patient;
    const ways = doors.map((door): Way => [format, door]);
    expect(await endings(model, ways)).toEqual(allFine(ways));
  });
});

test.each(RESCUABLE.map((model) => [model.name, model] as const))(
  "a fallback rescues whole and streamed requests from %s",
  async (_name, model) => {
    await rescuesAll(model);
  },
);
