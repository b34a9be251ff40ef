import type { KnownNames } from "../config/known-names.ts";

/** What a command works with. Everything outside the process comes through here, so that tests can look. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute; relative paths start from it. */
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** All of standard input. */
  readonly readStdin: () => Promise<string>;
  readonly known: () => Promise<KnownNames>;
}

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
}

/** A command of the product's command line. */
export interface Command {
  /** How it is called, for example `chat MODEL TEXT`. */
  readonly usage: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** Flags with a value, by name, with what the help says of them. */
  readonly flags: Readonly<Record<string, string>>;
  /** Flags without a value. */
  readonly switches?: Readonly<Record<string, string>>;
  /** Fewest and most arguments. */
  readonly counts: readonly [min: number, max: number];
  /** Runs it. Throws `CommandError` where it fails. */
  run(input: CommandInput, context: CliContext): Promise<void>;
}

/** What was typed behind the command's name. */
export interface CommandInput {
  readonly args: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
  readonly switches: ReadonlySet<string>;
}

/** A command that failed: its message is the whole sentence a person reads. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** 1: it failed. 2: it was called wrongly. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
