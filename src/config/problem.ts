/** What kind of mistake a problem is. */
export type ProblemCode =
  /** The file cannot be read, or is not YAML. */
  | "unreadable"
  | "unknown_key"
  /** A key or value that Parley knows, but this version does not have. */
  | "not_available"
  | "missing"
  | "invalid_value"
  /** Two settings that contradict each other. */
  | "conflict"
  /** A name, environment variable or file that does not exist. */
  | "not_found"
  /** A change that cannot be made while the gateway runs. */
  | "needs_restart";

/** How every problem of the code `not_available` begins. */
export const NOT_AVAILABLE = "this version of Parley does not have it yet";

/** One mistake in the configuration. Its texts never contain a secret. */
export interface ConfigProblem {
  readonly code: ProblemCode;
  /** Path of the file, or undefined for flags and environment variables. */
  readonly file: string | undefined;
  /** From 1; undefined where there is no file. */
  readonly line: number | undefined;
  /** From 1, in UTF-16 units. */
  readonly column: number | undefined;
  /** Path of the key, for example `providers.house.base_url`, or a flag or environment variable. Empty: the file. */
  readonly key: string;
  /** What is wrong and what was expected, as the end of a sentence. */
  readonly message: string;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`Cannot use the configuration: ${problems.map(oneLine).join("; ")}`);
    this.problems = problems;
  }
}

/** The problem in one line, as compilers write it: `parley.yaml:7:11: server.port: expected …`. */
function oneLine(problem: ConfigProblem): string {
  return [place(problem), problem.key, problem.message].filter((part) => part !== "").join(": ");
}

function place(problem: ConfigProblem): string {
  if (problem.file === undefined) return "";
  return [problem.file, problem.line, problem.column].filter((part) => part !== undefined).join(":");
}

/** The error for a terminal: a heading, then one paragraph per problem in the order of the file. Ends with a line feed. */
export function formatConfigError(error: ConfigError): string {
  const { problems } = error;
  const heading = `Cannot use the configuration: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}`;
  const paragraphs = problems.map((problem) => {
    const where = [place(problem), problem.key].filter((part) => part !== "").join("  ");
    return where === "" ? `  ${problem.message}` : `  ${where}\n    ${problem.message}`;
  });
  return `${[heading, ...paragraphs].join("\n\n")}\n`;
}

/** A problem of a flag or an environment variable. */
export function settingProblem(code: ProblemCode, key: string, message: string): ConfigProblem {
  return { code, file: undefined, line: undefined, column: undefined, key, message };
}
