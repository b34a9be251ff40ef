import type { Runtime, Timer } from "../runtime/runtime.ts";

/** How much a line matters, from least to most. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** One of `LOG_LEVELS`. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line says beside its message: flat, so that no object with headers, keys or prompts can get in. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one line. Strings pass redaction; an `undefined` field is left out. */
export type WriteLine = (message: string, fields?: LogFields) => void;

/** Writes lines, one function per level; they need no `this`. */
export interface Log {
  readonly debug: WriteLine;
  readonly info: WriteLine;
  readonly warn: WriteLine;
  readonly error: WriteLine;
  /** A log that adds these fields to each of its lines. */
  child(fields: LogFields): Log;
}

/** The log that owns the buffer. */
export interface RootLog extends Log {
  /** Writes what is buffered, now. */
  flush(): void;
  /** Writes what is buffered and stops; later lines are written at once. */
  close(): void;
}

/** Where lines go and what is done to them. */
export interface LogOptions {
  readonly runtime: Runtime;
  /** Takes whole lines, each with its line end; must be synchronous where lines must survive the process's exit. */
  readonly write: (lines: string) => void;
  /** Applied to every string of a line: takes secrets out. */
  readonly redact: (text: string) => string;
  /** Lines below this level are left out. Unset: `info`. */
  readonly level?: LogLevel;
  /** Longest time a line waits in the buffer. Unset: 100 ms. */
  readonly flushMs?: number;
  /** Buffered characters beyond which lines are written at once. Unset: 65,536. */
  readonly maxBufferedChars?: number;
}

const MAX_TEXT_CHARS = 2048;

/** A log of JSON lines, buffered; it also writes what is left when the process exits. */
export function createLog(options: LogOptions): RootLog {
  const buffer = new LineBuffer(options);
  const from = LOG_LEVELS.indexOf(options.level ?? "info");
  const encode = lineEncoder(options.runtime, options.redact);
  const make = (prefix: string): Log => {
    const at =
      (level: LogLevel): WriteLine =>
      (message, fields) => {
        if (LOG_LEVELS.indexOf(level) >= from) buffer.add(encode(level, message, prefix, fields));
      };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => make(prefix + fieldsText(fields, options.redact)),
    };
  };
  return { ...make(""), flush: () => buffer.flush(), close: () => buffer.close() };
}

// One listener for all logs of the process: Node warns where many listen.
const openBuffers = new Set<LineBuffer>();
const flushOnExit = (): void => openBuffers.forEach((buffer) => buffer.flush());

class LineBuffer {
  readonly #options: LogOptions;
  readonly #flushMs: number;
  readonly #maxChars: number;
  #text = "";
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#flushMs = options.flushMs ?? 100;
    this.#maxChars = options.maxBufferedChars ?? 65_536;
    if (openBuffers.size === 0) process.on("exit", flushOnExit);
    openBuffers.add(this);
  }

  add(line: string): void {
    this.#text += line;
    if (this.#closed || this.#text.length >= this.#maxChars) this.flush();
    else this.#timer ??= this.#options.runtime.setTimer(this.#flushMs, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#options.write(text);
  }

  close(): void {
    this.flush();
    this.#closed = true;
    openBuffers.delete(this);
    if (openBuffers.size === 0) process.off("exit", flushOnExit);
  }
}

function lineEncoder(runtime: Runtime, redact: (text: string) => string) {
  return (level: LogLevel, message: string, prefix: string, fields: LogFields | undefined): string => {
    const time = new Date(runtime.nowMs()).toISOString();
    const rest = fields ? fieldsText(fields, redact) : "";
    return `{"time":"${time}","level":"${level}","message":${textJson(message, redact)}${prefix}${rest}}\n`;
  };
}

function fieldsText(fields: LogFields, redact: (text: string) => string): string {
  let text = "";
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value === undefined) continue;
    text += `,${JSON.stringify(name)}:${typeof value === "string" ? textJson(value, redact) : scalarJson(value)}`;
  }
  return text;
}

// Not every caller is type-checked: what is no scalar is named, never printed.
function scalarJson(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? JSON.stringify(value) : `"[${typeof value}]"`;
}

function textJson(text: string, redact: (text: string) => string): string {
  // Cut first: nobody reads more, and redaction of a long text takes time.
  const short = text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}…` : text;
  return JSON.stringify(redact(short).toWellFormed());
}
