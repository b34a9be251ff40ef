import type { Answer } from "./answer.ts";
import { ANSWERS } from "./answers.ts";
import { CONNECTION_FAULTS } from "./faults/connection.ts";
import { CONTENT_FAULTS } from "./faults/content.ts";
import { ENDING_FAULTS } from "./faults/ending.ts";
import { FRAMING_FAULTS } from "./faults/framing.ts";
import { STATUS_FAULTS } from "./faults/status.ts";
import { parseModelName, type SettingName, type Settings } from "./model-name.ts";
import type { ExpectedOutcome, ModelRow, Question, SandboxModel } from "./model-row.ts";

const ROWS: readonly ModelRow[] = [
  ...ANSWERS,
  ...STATUS_FAULTS,
  ...CONNECTION_FAULTS,
  ...CONTENT_FAULTS,
  ...ENDING_FAULTS,
  ...FRAMING_FAULTS,
];

const BY_NAME: ReadonlyMap<string, ModelRow> = new Map(ROWS.map((row) => [row.name, row]));

// Without a suffix and without a default of the row, a setting has this value; undefined is off.
const DEFAULTS: Omit<Settings, "delay_ms"> = {
  after: 0,
  at_byte: undefined,
  tokens: 60,
  wait_ms: 0,
  times: undefined,
  percent: 100,
  down_ms: undefined,
  bytes: 0,
  window: 0,
  retry_after: undefined,
  answer: "story",
  interleave: 0,
  cached: 0,
  cache_written: 0,
  id: undefined,
};

const DEFAULT_DELAY_MS = 20;

// Every answer can be slowed down; every fault can also pick, limit and shape what it breaks.
function settingsOf(row: ModelRow, delayMs: number): Partial<Settings> {
  const { cached, cache_written } = DEFAULTS;
  const common = { delay_ms: delayMs, id: undefined, cached, cache_written };
  if (row.group === "answer") return { ...common, ...row.settings };
  const { times, percent, down_ms, tokens, answer, interleave } = DEFAULTS;
  return { ...common, times, percent, down_ms, tokens, answer, interleave, ...row.settings };
}

/** Every model of the sandbox in words: what documentation, model lists and tests are made from. */
export const SANDBOX_MODELS: readonly SandboxModel[] = ROWS.map((row) => ({
  name: row.name,
  group: row.group,
  summary: row.summary,
  unary: row.unary,
  stream: row.stream,
  answersWell: { unary: row.expected.unary.class === "answer", stream: row.expected.stream.class === "answer" },
  expected: row.expected,
  unlike: row.unlike ?? {},
  settings: settingsOf(row, DEFAULT_DELAY_MS),
}));

/** What one attempt at a model should come to over a wire format. */
export function expectedOf(
  model: Pick<SandboxModel, "expected" | "unlike">,
  format: string,
  mode: "unary" | "stream",
): ExpectedOutcome {
  return model.unlike[format]?.[mode] ?? model.expected[mode];
}

/** A model id with its row and what its suffix sets. */
export interface ChosenModel {
  readonly row: ModelRow;
  readonly settings: Settings;
  /** The answer that the model gives, or breaks. */
  readonly answer: (question: Question) => Answer;
}

/**
 * The model of this id; undefined: there is none. `delayMs` is the pause between tokens where the suffix sets none.
 * Throws an `Error` that says what is wrong with the suffix.
 */
export function chooseModel(model: string, delayMs = DEFAULT_DELAY_MS): ChosenModel | undefined {
  const name = parseModelName(model);
  const row = BY_NAME.get(name.base);
  if (!row) return undefined;
  const accepted = settingsOf(row, delayMs);
  const stray = Object.keys(name.settings).find((key) => !Object.hasOwn(accepted, key));
  if (stray !== undefined) {
    const known = Object.keys(accepted).join(", ");
    throw new Error(`Cannot use ${name.base}: its suffix may set ${known}, but not ${stray as SettingName}`);
  }
  const settings = { ...DEFAULTS, delay_ms: delayMs, ...accepted, ...name.settings } as Settings;
  const answer = row.answer ?? BY_NAME.get(settings.answer)?.answer;
  if (!answer) throw new Error(`Cannot use ${name.base}: answer=${settings.answer} is not a model that answers`);
  return { row, settings, answer };
}
