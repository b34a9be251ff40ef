/** What a model's suffix may set, for example `fault-stall@after=5,delay_ms=50,times=2`. */
export interface Settings {
  readonly after: number;
  readonly at_byte: number | undefined;
  readonly tokens: number;
  readonly delay_ms: number;
  readonly wait_ms: number;
  readonly times: number | undefined;
  readonly percent: number;
  readonly down_ms: number | undefined;
  readonly bytes: number;
  readonly window: number;
  readonly retry_after: string | undefined;
  readonly answer: string;
  readonly interleave: number;
  readonly cached: number;
  readonly cache_written: number;
  readonly id: string | undefined;
}

/** The name of one setting. */
export type SettingName = keyof Settings;

interface SettingSpec {
  readonly summary: string;
  /** Largest value of a whole number from 0; undefined: a word. */
  readonly max: number | undefined;
}

const DAY_MS = 86_400_000;

/** Every setting: what it means, and its limit. */
export const SETTINGS: Readonly<Record<SettingName, SettingSpec>> = {
  after: { summary: "tokens that are sent before the fault", max: 1_000_000 },
  at_byte: { summary: "instead of after: bytes of the body that are sent before the fault", max: 1_000_000_000 },
  tokens: { summary: "length of the story in tokens", max: 1_000_000 },
  delay_ms: { summary: "milliseconds between two tokens of a stream", max: DAY_MS },
  wait_ms: { summary: "milliseconds of the fault's own pause", max: DAY_MS },
  times: { summary: "how many requests meet the fault; later ones are answered well", max: 1_000_000 },
  percent: { summary: "share of the requests that meet the fault", max: 100 },
  down_ms: {
    summary: "milliseconds after its first request in which the model is faulty; well afterwards",
    max: DAY_MS,
  },
  bytes: { summary: "size of what is too large", max: 1_000_000_000 },
  window: { summary: "context window in tokens", max: 1_000_000_000 },
  retry_after: { summary: "value of retry-after: seconds, or one of none, date, absurd, garbage", max: undefined },
  answer: { summary: "model whose answer the fault breaks", max: undefined },
  interleave: { summary: "1: parallel tool calls come interleaved", max: 1 },
  cached: { summary: "tokens of the input that are billed as read from the cache", max: 1_000_000_000 },
  cache_written: { summary: "tokens of the input that are billed as written to the cache", max: 1_000_000_000 },
  id: { summary: "any word: gives the model a memory of its own", max: undefined },
};

/** A model id taken apart. */
export interface ModelName {
  /** Before the `@`. */
  readonly base: string;
  readonly settings: Readonly<Partial<Record<SettingName, string | number>>>;
}

/** Takes a model id apart. Throws an `Error` that says which part of the suffix cannot be read. */
export function parseModelName(model: string): ModelName {
  const at = model.indexOf("@");
  if (at < 0) return { base: model, settings: {} };
  const settings: Partial<Record<SettingName, string | number>> = {};
  for (const pair of model.slice(at + 1).split(",")) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, Math.max(0, equals));
    if (!isSettingName(name)) {
      throw new Error(`Cannot read the model's suffix: "${pair}" is not one of ${Object.keys(SETTINGS).join("=, ")}=`);
    }
    settings[name] = readValue(name, pair.slice(equals + 1));
  }
  return { base: model.slice(0, at), settings };
}

function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

function readValue(name: SettingName, text: string): string | number {
  const { max } = SETTINGS[name];
  if (max === undefined && /^[A-Za-z0-9_-]{1,64}$/.test(text)) return text;
  if (max !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= max) return Number(text);
  const expected = max === undefined ? "a word of at most 64 letters, digits, _ and -" : `a whole number up to ${max}`;
  throw new Error(`Cannot read the model's suffix: ${name} is not ${expected}`);
}
