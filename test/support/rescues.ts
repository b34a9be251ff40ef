import { expect } from "vitest";
import { expectedOf, SANDBOX_MODELS, type SandboxModel, storyText } from "../../src/sandbox/index.ts";
import type { Door } from "./doors.ts";
import { askWall, isAboutWaiting, named, PATIENT, startWall, WALL_FORMATS, type WallFormat } from "./wall.ts";

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

/** The models of the wall from which a fallback can rescue a request. */
export const RESCUABLE: readonly SandboxModel[] = SANDBOX_MODELS.filter((model) =>
  MODES.some((mode) => WALL_FORMATS.some((format) => rescuable(format, mode).includes(model))),
);

/** Asks a model that fails, with a fallback, in both modes and all formats. All doors of it: docs/faults.md. */
export async function rescuesAll(model: SandboxModel): Promise<void> {
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
