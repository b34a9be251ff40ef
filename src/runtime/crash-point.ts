/** Places at which a test may kill the process: those that a request passes, those of its books, those of a start. */
export const CRASH_POINTS = [
  "hold_taken",
  "forwarded_queued",
  "forwarded_written",
  "forward_recorded",
  "dispatched",
  "request_sent",
  "first_content",
  "partially_streamed_queued",
  "partially_streamed_written",
  "answer_ended",
  "attempt_ended_queued",
  "attempt_ended_written",
  "request_ended_queued",
  "request_ended_written",
  "segment_opened",
  "segment_begun",
  "projection_uncommitted",
  "projection_committed",
  "segments_replaced",
  "segment_deleted",
  "recovery_read",
  "recovery_queued",
  "recovery_written",
] as const;

/** One of these places. */
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** What tests set of a process, and nobody else. */
export interface TestVariables {
  /** Size of a segment of the ledger's journal. */
  readonly segmentBytes?: number;
}

const NAMES = ["PARLEY_CRASH_AT", "PARLEY_SEGMENT_BYTES"] as const;
const GUARD = "PARLEY_ONLY_A_TEST";

let armed: { readonly name: string; left: number } | undefined;

/** Kills the process where a test asks for it, as `kill -9` does; otherwise next to free. */
export function crashPoint(name: CrashPoint): void {
  if (armed !== undefined) pass(name);
}

/** The same at a line of the journal, whose kind is the beginning of the place's name. */
export function crashPointOf(kind: string, place: "queued" | "written"): void {
  if (armed !== undefined) pass(`${kind}_${place}`);
}

function pass(name: string): void {
  if (armed?.name !== name || (armed.left -= 1) > 0) return;
  process.kill(process.pid, "SIGKILL");
}

/**
 * Reads what tests set: `PARLEY_CRASH_AT=<point>[:n]` kills the process when it passes that place for the n-th time.
 * Throws an `Error` where one of them is set and PARLEY_ONLY_A_TEST is not "yes": no process that serves may be told to die.
 */
export function readTestVariables(env: Readonly<Record<string, string | undefined>>): TestVariables {
  const [name] = NAMES.filter((one) => env[one]);
  if (name === undefined) return {};
  if (env[GUARD] !== "yes") {
    throw new Error(
      `Cannot start: ${name} is for tests and kills or slows the gateway; unset it (${GUARD} is not "yes")`,
    );
  }
  const [point = "", count = "1"] = (env["PARLEY_CRASH_AT"] ?? "").split(":");
  if (point !== "" && !CRASH_POINTS.some((one) => one === point)) {
    throw new Error(`Cannot start: PARLEY_CRASH_AT is "${point}", expected one of ${CRASH_POINTS.join(", ")}`);
  }
  armed = point === "" ? undefined : { name: point, left: wholeNumber("PARLEY_CRASH_AT", count) };
  const bytes = env["PARLEY_SEGMENT_BYTES"];
  return bytes ? { segmentBytes: wholeNumber("PARLEY_SEGMENT_BYTES", bytes) } : {};
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`Cannot start: ${name} has "${text}" where a whole number from 1 belongs`);
}
