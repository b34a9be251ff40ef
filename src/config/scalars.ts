import * as z from "zod";
import { readKeyFile } from "./key-file.ts";
import { NOT_AVAILABLE, type ProblemCode } from "./problem.ts";
import { SecretText } from "./secret.ts";
import { didYouMean } from "./suggest.ts";
import { formatDuration, formatSize, parseDuration, parseSize, parseUsd } from "./units.ts";

/** What an issue of our own says beyond its message. */
export interface IssueParams {
  readonly code: ProblemCode;
  /** What follows when the message has told what came, for example `; did you mean x?`. */
  readonly hint: string;
}

type JsonSchema = Readonly<Record<string, unknown>>;
type Refuse = (message: string, details?: Partial<IssueParams>) => undefined;

// Any value may come from a placeholder, which editors see as text.
const PLACEHOLDER_PATTERN = "\\$\\{[^}]+\\}";
const placeholder = { type: "string", pattern: PLACEHOLDER_PATTERN };

/** A leaf: `parse` gives the value, or undefined for "expected …"; it may refuse with a message of its own. */
function scalar<T extends {}>(
  expected: string,
  json: JsonSchema,
  parse: (input: unknown, refuse: Refuse) => T | undefined,
) {
  return z
    .unknown()
    .transform((input, context): T => {
      let refused = false;
      const value = parse(input, (message, { code = "invalid_value", hint = "" } = {}) => {
        refused = true;
        context.addIssue({ code: "custom", message, params: { code, hint } satisfies IssueParams });
      });
      if (value !== undefined && !refused) return value;
      if (!refused) context.addIssue({ code: "custom", message: `expected ${expected}` });
      return z.NEVER;
    })
    .meta(json);
}

/** A whole number from `min` to `max`; text of digits counts, since a placeholder gives text. */
export function integer(description: string, min: number, max: number, defaultValue?: number) {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  const json = { description, anyOf: [{ type: "integer", minimum: min, maximum: max }, placeholder] };
  return scalar(`a whole number ${range}`, withDefault(json, defaultValue), (input) => {
    const value = typeof input === "string" && /^\d{1,15}$/.test(input) ? Number(input) : input;
    return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
  });
}

/** A number from `min` to `max`; text of a decimal number counts, since a placeholder gives text. */
export function figure(description: string, min: number, max: number, defaultValue?: number) {
  const json = { description, anyOf: [{ type: "number", minimum: min, maximum: max }, placeholder] };
  return scalar(`a number from ${min} to ${max}`, withDefault(json, defaultValue), (input) => {
    const value = typeof input === "string" && /^\d{1,9}(\.\d{1,9})?$/.test(input) ? Number(input) : input;
    return typeof value === "number" && value >= min && value <= max ? value : undefined;
  });
}

/** `true` or `false`; `no` and `off` are text in YAML 1.2. */
export function boolean(description: string, defaultValue?: boolean) {
  const json = { description, anyOf: [{ type: "boolean" }, placeholder] };
  return scalar("true or false", withDefault(json, defaultValue), (input) => {
    if (input === "true" || input === "false") return input === "true";
    return typeof input === "boolean" ? input : undefined;
  });
}

/** A duration with its unit, in milliseconds. */
export function duration(description: string, bounds: readonly [minMs: number, maxMs: number], defaultMs: number) {
  const [minMs, maxMs] = bounds;
  const range = `from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const pattern = `^(\\d+(\\.\\d+)? ?(ms|s|m|h)|${PLACEHOLDER_PATTERN})$`;
  const json = { description: `${description} A duration ${range}.`, type: "string", pattern };
  return scalar(
    `a duration with its unit ${range}, such as ${formatDuration(defaultMs)}`,
    withDefault(json, formatDuration(defaultMs)),
    (input) => within(typeof input === "string" ? parseDuration(input) : undefined, minMs, maxMs),
  );
}

/** A size with its unit, in bytes. */
export function size(description: string, bounds: readonly [minBytes: number, maxBytes: number], defaultBytes: number) {
  const [minBytes, maxBytes] = bounds;
  const range = `from ${formatSize(minBytes)} to ${formatSize(maxBytes)}`;
  const pattern = `^(\\d+(\\.\\d+)? ?(B|KiB|MiB|GiB)|${PLACEHOLDER_PATTERN})$`;
  const json = { description: `${description} A size ${range}.`, type: "string", pattern };
  return scalar(
    `a size with its unit ${range}, such as ${formatSize(defaultBytes)}`,
    withDefault(json, formatSize(defaultBytes)),
    (input) => within(typeof input === "string" ? parseSize(input) : undefined, minBytes, maxBytes),
  );
}

/** Text that is not empty. */
export function text(description: string, expected = "text", pattern?: RegExp) {
  const json = { description, type: "string", minLength: 1 };
  return scalar(expected, json, (input) =>
    typeof input === "string" && input !== "" && (pattern?.test(input) ?? true) ? input : undefined,
  );
}

/** One word of a list; `later` are words that the format has and this version does not. */
export function choice<const T extends string>(
  description: string,
  words: readonly T[],
  later: readonly string[] = [],
  defaultValue?: NoInfer<T>,
) {
  const json = withDefault({ description, type: "string", enum: words }, defaultValue);
  const expected = `expected ${words.join(", ").replace(/, ([^,]+)$/, " or $1")}`;
  return scalar(expected, json, (input, refuse) => {
    const word = words.find((one) => one === input);
    if (word !== undefined || typeof input !== "string") return word;
    if (later.includes(input)) return refuse(`${NOT_AVAILABLE}: ${expected}`, { code: "not_available" });
    return refuse(expected, { hint: didYouMean(input, words) });
  });
}

/** A secret: visible ASCII, since it travels in an HTTP header. Spaces are allowed inside where `spaces` says so. */
export function secret(description: string, bounds: { min: number; max: number; spaces: boolean }) {
  const { min, max, spaces } = bounds;
  const pattern = spaces ? /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/ : /^[\x21-\x7e]+$/;
  const expected = min > 1 ? `text of ${min} to ${max} visible ASCII characters` : "text of visible ASCII characters";
  return scalar(expected, { description, type: "string", minLength: 1 }, (input, refuse) => {
    if (typeof input === "string" && input.length < min) return refuse(`expected at least ${min} characters`);
    if (typeof input !== "string" || input.length > max || !pattern.test(input)) return undefined;
    return new SecretText(input);
  });
}

/** The text of a key file, read. */
export function keyFile(description: string) {
  return scalar("the JSON text of a key file", { description, type: "string", minLength: 1 }, (input, refuse) => {
    if (typeof input !== "string" || input === "") return undefined;
    const read = readKeyFile(input);
    return typeof read === "string" ? refuse(read) : read;
  });
}

/** USD as a decimal figure, in nano-USD. */
export function usd(description: string) {
  const json = {
    description: `${description} USD per million tokens, at most nine decimals.`,
    anyOf: [{ type: "number", minimum: 0 }, placeholder, { type: "string", pattern: "^\\d+(\\.\\d{1,9})?$" }],
  };
  return scalar('an amount in USD, such as 0.25 or "0.25", of at most nine decimals', json, (input) =>
    typeof input === "string" || typeof input === "number" ? parseUsd(String(input)) : undefined,
  );
}

/** An amount of USD as a decimal figure, above zero and up to `mostUsd`, in nano-USD. */
export function amount(description: string, mostUsd: number) {
  const json = {
    description: `${description} USD, at most nine decimals.`,
    anyOf: [
      { type: "number", minimum: 0, maximum: mostUsd },
      placeholder,
      { type: "string", pattern: "^\\d+(\\.\\d{1,9})?$" },
    ],
  };
  return scalar(
    `an amount in USD above 0 and up to ${mostUsd}, such as 50 or "0.25", of at most nine decimals`,
    json,
    (input) => {
      const nanoUsd =
        typeof input === "string" || typeof input === "number" ? parseUsd(String(input), mostUsd) : undefined;
      return nanoUsd === 0 ? undefined : nanoUsd;
    },
  );
}

/** Exactly this number. */
export function exactly<const T extends number>(value: T, description: string, expected: string) {
  return scalar(expected, { description, const: value }, (input) =>
    input === value || input === String(value) ? value : undefined,
  );
}

/** `true`, `false` or how far it is supported. */
export function support<T extends {}>(description: string, words: Readonly<Record<string, T>>) {
  const names = Object.keys(words);
  const json = { description, enum: [true, false, ...names.filter((name) => name !== "true" && name !== "false")] };
  return scalar(names.join(", ").replace(/, ([^,]+)$/, " or $1"), json, (input) => {
    const word = typeof input === "boolean" ? String(input) : input;
    return typeof word === "string" && Object.hasOwn(words, word) ? words[word] : undefined;
  });
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function withDefault(json: JsonSchema, defaultValue: unknown): JsonSchema {
  return defaultValue === undefined ? json : { ...json, default: defaultValue };
}
