import { Delivery } from "../../src/contract/index.ts";
import { SANDBOX_MODELS, expectedOf, storyText, type Sandbox, type SandboxModel } from "../../src/sandbox/index.ts";
import { farProviders, freshModel, startFarSandbox } from "./delivery.ts";
import type { Door, Outcome } from "./doors.ts";
import { PATIENT, WALL_FORMATS, askWall, isAboutWaiting, startWall, type WallFormat } from "./wall.ts";

// Every fault of the sandbox x wire format x unary or stream x surface x delivery mode x what the second target can do.

/** What a second target can do. */
export type Second = (typeof SECONDS)[number];
const SECONDS = ["continues", "deterministic", "neither"] as const;

/** The delivery modes by the names that the table has for them. */
export const MATRIX_MODES = {
  commit: Delivery.COMMIT,
  auto: Delivery.AUTO,
  restartable: Delivery.RESTARTABLE,
  hold: Delivery.HOLD,
} as const;

const SURFACES = ["connect binary http/2", "grpc", "rest"] as const;

/** One way to meet one fault, and what it came to. */
export interface Cell {
  readonly fault: string;
  readonly format: string;
  readonly stream: boolean;
  readonly surface: string;
  readonly mode: keyof typeof MATRIX_MODES;
  readonly second: Second;
  /** `answered`, `rescued`, `refused`, or `typed` with its reason; `fragment` where content had come before it. */
  readonly verdict: string;
  /** What must not be. */
  readonly defect: string | undefined;
}

/** The configuration of the second target of each kind, as the table tells it. */
export const SECOND_CONFIGURATION: Readonly<Record<Second, string>> = {
  continues: "an ordinary target whose model continues a prefill: the sandbox's `story`, over the next wire format",
  deterministic:
    "a target that refuses a prefill and is declared `deterministic: true`: `{ kind: openai-compatible, capabilities: { prefill: false }, deterministic: true }`",
  neither: "an ordinary target that refuses a prefill: the same without `deterministic`",
};

/** Timeouts of the gateways before faults that are about waiting. */
export const WAITING_TIMEOUTS = "first_content: 700ms, reasoning_first_content: 700ms, progress: 700ms, total: 2s";
const WAITS = `${PATIENT}server:\n  timeouts: { ${WAITING_TIMEOUTS} }\n`;

/** Settings beyond the defaults: one write per byte takes its time, and a slow first token is slow beside the timeouts. */
export const SETTINGS: Readonly<Record<string, string>> = {
  "fault-tiny-chunks": "tokens=10",
  "fault-slow-first-token": "wait_ms=1200",
};

const AT_ONCE = 6;

interface Group {
  readonly model: SandboxModel;
  readonly format: WallFormat;
  readonly mode: Cell["mode"];
  readonly second: Second;
}

/** The faults that the matrix plays. */
export const MATRIX_FAULTS: readonly SandboxModel[] = SANDBOX_MODELS.filter(({ group }) => group === "fault");

/** Plays the matrix over one wire format. Gateways are fresh for each few requests, so that nothing spoils their budget. */
export async function playMatrix(format: WallFormat): Promise<Cell[]> {
  const far = await startFarSandbox();
  const groups = MATRIX_FAULTS.flatMap((model) => groupsOf(model, format));
  const cells: Cell[] = [];
  const work = async (): Promise<void> => {
    for (let group = groups.shift(); group; group = groups.shift()) cells.push(...(await playGroup(group, far)));
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await far.close();
  }
  return cells;
}

function groupsOf(model: SandboxModel, format: WallFormat): Group[] {
  // What the second target can do matters only where content has come.
  const { class: kind } = expectedOf(model, format.format, "stream");
  const seconds = kind === "fails_after_content" || kind === "answer_or_failure" ? SECONDS : [SECONDS[0]];
  const modes = Object.keys(MATRIX_MODES) as Cell["mode"][];
  return modes.flatMap((mode) => seconds.map((second) => ({ model, format, mode, second })));
}

async function playGroup(group: Group, far: Sandbox): Promise<Cell[]> {
  const wall = await startWall((isAboutWaiting(group.model) ? WAITS : PATIENT) + farProviders(far));
  try {
    const doors = wall.doors.filter(({ name }) => SURFACES.some((surface) => name.startsWith(`${surface} `)));
    return await Promise.all(doors.map((door) => playCell(group, door)));
  } finally {
    await wall.close();
  }
}

async function playCell(group: Group, door: Door): Promise<Cell> {
  const { model, format, mode, second } = group;
  const next = WALL_FORMATS[(WALL_FORMATS.indexOf(format) + 1) % WALL_FORMATS.length]!;
  const fallbacks: Record<Second, string> = {
    continues: `${next.provider}/story@delay_ms=0`,
    deterministic: "repeats/no-prefill@delay_ms=0",
    neither: "neither/no-prefill@delay_ms=0",
  };
  const first = freshModel(model.name, SETTINGS[model.name]);
  const outcome = await askWall(door, format, first, [fallbacks[second]], { delivery: MATRIX_MODES[mode] });
  const surface = SURFACES.find((one) => door.name.startsWith(`${one} `))!.split(" ")[0]!;
  const about = { fault: model.name, format: format.format, stream: door.stream, surface, mode, second };
  const expected = expectedOf(model, format.format, door.stream ? "stream" : "unary");
  const verdict = verdictOf(outcome, expected.class === "fails_after_content");
  return { ...about, verdict, defect: defectOf(about, model, outcome, verdict) };
}

// Content that is no text, such as a part of a tool call, is not seen through every door.
function verdictOf({ end, attempts, contentSeen }: Outcome, comesAfterContent: boolean): string {
  if (end === "completed") return attempts > 1 ? "rescued" : "answered";
  if (end === "UNSUPPORTED_PARAMETER") return "refused";
  return contentSeen || comesAfterContent ? `fragment, ${end}` : `typed ${end}`;
}

type About = Omit<Cell, "verdict" | "defect">;

/** What the promises forbid, written down apart from the code that keeps them. */
function defectOf(about: About, model: SandboxModel, outcome: Outcome, verdict: string): string | undefined {
  const expected = expectedOf(model, about.format, about.stream ? "stream" : "unary");
  if (outcome.terminals !== 1) return `${outcome.terminals} terminals`;
  if (/UNTYPED|CUT|DELTAS|TWO_|FAILED_WITH/.test(outcome.end)) return outcome.end;
  if (verdict === "refused") {
    return about.mode === "restartable" && about.surface === "rest"
      ? undefined
      : "refused, which may be asked for here";
  }
  if (about.mode === "restartable" && about.surface === "rest") return "not refused, although it cannot be told";
  if (verdict === "rescued" && outcome.text !== storyText) return "a rescue that does not tell the whole story";
  switch (expected.class) {
    case "answer":
      return outcome.end === "completed" ? undefined : "no answer";
    case "answer_or_failure":
      return undefined;
    case "caller_error":
      return verdict === "rescued" && about.fault !== "long-context" ? "hidden from the caller" : undefined;
    case "fails_before_content":
      // One who waits for the whole answer has waited for all the time there was.
      if (!about.stream && isAboutWaiting(model)) return verdict === "typed PROVIDER_TIMEOUT" ? undefined : verdict;
      return verdict === "rescued" ? undefined : "not rescued before content";
    case "fails_after_content":
      return wrongAfterContent(about, outcome, verdict);
  }
}

function wrongAfterContent({ mode, second }: About, outcome: Outcome, verdict: string): string | undefined {
  if (verdict === "answered") return "a fragment as success";
  // Where one read brings a format's whole answer, it breaks before any of it is delivered.
  const shows = outcome.marks.length > 0;
  if (mode === "commit" && shows) return "rescued after content, although the mode commits";
  if ((mode === "hold" || mode === "restartable") && verdict !== "rescued") return "not rescued";
  if (mode === "hold" && shows) return "a rescue that shows";
  if (mode === "auto" && second === "neither" && shows) return "rescued by one that cannot";
  return undefined;
}
