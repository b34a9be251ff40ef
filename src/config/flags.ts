import { parseArgs } from "node:util";
import { DEFAULT_CONFIG_FILE, DEFAULT_DATA_DIR, DEFAULT_HOST, DEFAULT_PORT } from "./defaults.ts";
import { ConfigError, NOT_AVAILABLE, settingProblem, type ConfigProblem } from "./problem.ts";
import { closest, didYouMean } from "./suggest.ts";

/** What the command line said. */
export interface Flags {
  /** `serve`: the gateway. `sandbox`: the sandbox on its own. `help`: print `helpText()` and stop. */
  readonly command: "serve" | "sandbox" | "help";
  readonly config: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
  readonly data: string | undefined;
  readonly adminHost?: string | undefined;
  readonly adminPort?: string | undefined;
}

/** One setting outside the configuration file, as the help shows it. */
interface Setting {
  readonly what: string;
  readonly flag?: string;
  readonly argument?: string;
  readonly variable?: string;
  readonly defaultText: string;
  /** Whether this version lacks it; using it is then an error. */
  readonly isLater?: boolean;
}

const SETTINGS: readonly Setting[] = [
  {
    what: "configuration file",
    flag: "config",
    argument: "FILE",
    variable: "PARLEY_CONFIG",
    defaultText: `./${DEFAULT_CONFIG_FILE} if there is one, else none`,
  },
  { what: "address to listen on", flag: "host", argument: "HOST", variable: "PARLEY_HOST", defaultText: DEFAULT_HOST },
  {
    what: "port; 0 is any free one",
    flag: "port",
    argument: "N",
    variable: "PARLEY_PORT",
    defaultText: `${DEFAULT_PORT}`,
  },
  { what: "data folder", flag: "data", argument: "DIR", variable: "PARLEY_DATA", defaultText: `./${DEFAULT_DATA_DIR}` },
  { what: "administrator key", variable: "PARLEY_ADMIN_KEY", defaultText: "made at the first start, in DIR/admin.key" },
  {
    what: "administration's address",
    flag: "admin-host",
    argument: "HOST",
    defaultText: `${DEFAULT_HOST}, with --admin-port`,
  },
  { what: "administration's own port", flag: "admin-port", argument: "N", defaultText: "the main one" },
  { what: "Redis", variable: "PARLEY_REDIS_URL", defaultText: "none: in the process" },
  { what: "PostgreSQL", variable: "PARLEY_DATABASE_URL", defaultText: "none: SQLite in DIR" },
];

const PREFIX = "PARLEY_";
const LATER = `${NOT_AVAILABLE}: remove it`;

/** Reads the command line. Throws `ConfigError` with every mistake in it. */
export function readFlags(argv: readonly string[]): Flags {
  const flags = SETTINGS.flatMap((setting) => setting.flag ?? []);
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: "string" as const }]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const problems: ConfigProblem[] = [];
  const values = new Map<string, string>();
  let command: Flags["command"] = "serve";
  let help = false;
  for (const token of tokens) {
    if (token.kind === "option" && token.name === "help") help = true;
    else if (token.kind === "option") {
      const problem = flagProblem(token.name, token.rawName, token.value, values, flags);
      if (problem) problems.push(problem);
      else values.set(token.name, token.value ?? "");
    } else if (token.kind === "positional" && token.value === "sandbox" && command === "serve") command = "sandbox";
    else if (token.kind === "positional") {
      problems.push(
        settingProblem("unknown_key", token.value, `unknown command${didYouMean(token.value, ["sandbox"])}`),
      );
    }
  }
  if (command === "sandbox") problems.push(...sandboxProblems(values));
  if (help) return { command: "help", config: undefined, host: undefined, port: undefined, data: undefined };
  if (problems.length > 0) throw new ConfigError(problems);
  const [config, host, port, data] = ["config", "host", "port", "data"].map((flag) => values.get(flag));
  const [adminHost, adminPort] = ["admin-host", "admin-port"].map((flag) => values.get(flag));
  return { command, config, host, port, data, adminHost, adminPort };
}

function sandboxProblems(values: ReadonlyMap<string, string>): ConfigProblem[] {
  const unused = ["config", "data", "admin-host", "admin-port"].filter((flag) => values.has(flag));
  return unused.map((flag) =>
    settingProblem("conflict", `--${flag}`, "the sandbox on its own does not use it: remove it"),
  );
}

function flagProblem(
  name: string,
  rawName: string,
  value: string | undefined,
  values: ReadonlyMap<string, string>,
  flags: readonly string[],
): ConfigProblem | undefined {
  if (!flags.includes(name)) {
    const meant = closest(name, flags);
    const hint = meant === undefined ? "--help lists the flags" : `did you mean --${meant}?`;
    return settingProblem("unknown_key", rawName, `unknown flag; ${hint}`);
  }
  if (SETTINGS.some((one) => one.flag === name && one.isLater)) return settingProblem("not_available", rawName, LATER);
  if (value === undefined || value === "") return settingProblem("missing", rawName, "expected a value after it");
  if (values.has(name)) return settingProblem("conflict", rawName, "the flag stands twice");
  return undefined;
}

/** Problems and notices of the environment: settings that this version lacks, and names that look like misspellings. */
export function checkEnvironment(env: Readonly<Record<string, string | undefined>>): {
  problems: ConfigProblem[];
  notices: string[];
} {
  const variables = SETTINGS.flatMap((setting) => setting.variable ?? []);
  const problems = SETTINGS.flatMap(({ variable, isLater }) =>
    variable !== undefined && isLater && env[variable] ? [settingProblem("not_available", variable, LATER)] : [],
  );
  const notices = Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !variables.includes(name))
    .flatMap((name) => {
      const meant = closest(
        name.slice(PREFIX.length),
        variables.map((one) => one.slice(PREFIX.length)),
      );
      return meant === undefined ? [] : [`${name} is set, but is no setting; did you mean ${PREFIX}${meant}?`];
    });
  return { problems, notices };
}

/** What `npm start -- --help` prints. */
export function helpText(): string {
  const rows = SETTINGS.map((one) => {
    const flag = one.flag === undefined ? "" : `--${one.flag} ${one.argument ?? ""}`;
    return [flag, one.variable ?? "", `${one.what}${one.isLater ? " *" : ""}`, one.defaultText] as const;
  });
  const heading = ["flag", "environment", "what", "default"] as const;
  const widths = [0, 1, 2].map((column) => Math.max(...[heading, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  return [
    "Parley: one typed contract, any model, no surprises",
    "",
    "  npm start -- [FLAGS]             run the gateway",
    "  npm start -- sandbox [--host HOST] [--port N]",
    "                                   run the sandbox's upstreams alone",
    "  npm run -s parley -- help        the other commands",
    "",
    line(heading),
    ...rows.map(line),
    line(["--help", "", "this text", ""]),
    "",
    "  * This version does not have it yet.",
    "",
    "A flag wins over the environment, which wins over the configuration file. Without a file the gateway runs with",
    "what it finds: a provider for each well-known API key in the environment, and the built-in sandbox.",
    "parley.example.yaml shows a file; npm run -s parley -- config check [FILE] checks one.",
    "",
  ].join("\n");
}
