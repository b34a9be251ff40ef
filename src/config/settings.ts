import { resolve } from "node:path";
import { rememberSecret } from "../errors/index.ts";
import type { FixedKeyConfig } from "./config-identity.ts";
import { DEFAULT_CONFIG_FILE, DEFAULT_DATA_DIR } from "./defaults.ts";
import { checkEnvironment, type Flags } from "./flags.ts";
import { settingProblem, type ConfigProblem } from "./problem.ts";
import { KEY_LENGTH } from "./schema.ts";
import { SecretText } from "./secret.ts";

/** The variable that gives the administrator's key, and that key's name in books and logs. */
export const ADMIN_KEY_VARIABLE = "PARLEY_ADMIN_KEY";

/** What flags and environment say; they win over the file. */
export interface Settings {
  /** Absolute path of the configuration file. */
  readonly file: string;
  /** The flag or variable that names it; undefined: nobody did, and it need not exist. */
  readonly fileNamedBy: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly adminHost: string | undefined;
  readonly adminPort: number | undefined;
  /** Absolute. */
  readonly dataDir: string | undefined;
  /** Absolute; where the file names none either. */
  readonly defaultDataDir: string;
  readonly adminKey: FixedKeyConfig | undefined;
  readonly databaseUrl: SecretText | undefined;
  readonly redisUrl: SecretText | undefined;
  readonly notices: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings; what is wrong with them is appended to `problems`. */
export function readSettings(flags: Flags, env: Environment, cwd: string, problems: ConfigProblem[]): Settings {
  const environment = checkEnvironment(env);
  problems.push(...environment.problems);
  const file = pick("--config", flags.config, "PARLEY_CONFIG", env);
  const data = pick("--data", flags.data, "PARLEY_DATA", env);
  return {
    file: resolve(cwd, file?.value ?? DEFAULT_CONFIG_FILE),
    fileNamedBy: file?.by,
    host: pick("--host", flags.host, "PARLEY_HOST", env)?.value,
    port: readPort(pick("--port", flags.port, "PARLEY_PORT", env), problems),
    adminHost: flags.adminHost,
    adminPort: readPort(
      flags.adminPort === undefined ? undefined : { value: flags.adminPort, by: "--admin-port" },
      problems,
    ),
    dataDir: data && resolve(cwd, data.value),
    defaultDataDir: resolve(cwd, DEFAULT_DATA_DIR),
    adminKey: readAdminKey(env, problems),
    databaseUrl: readDatabaseUrl(env, problems),
    redisUrl: readRedisUrl(env, problems),
    notices: environment.notices,
  };
}

interface Picked {
  readonly value: string;
  /** The flag or variable that said it. */
  readonly by: string;
}

function pick(flag: string, value: string | undefined, variable: string, env: Environment): Picked | undefined {
  if (value !== undefined) return { value, by: flag };
  const fromEnvironment = env[variable];
  return fromEnvironment === undefined || fromEnvironment === "" ? undefined : { value: fromEnvironment, by: variable };
}

function readPort(picked: Picked | undefined, problems: ConfigProblem[]): number | undefined {
  if (!picked) return undefined;
  const port = /^\d{1,5}$/.test(picked.value) ? Number(picked.value) : -1;
  if (port >= 0 && port <= 65_535) return port;
  const got = JSON.stringify(picked.value.slice(0, 20));
  problems.push(settingProblem("invalid_value", picked.by, `expected a whole number from 0 to 65535, got ${got}`));
  return undefined;
}

function readAdminKey(env: Environment, problems: ConfigProblem[]): FixedKeyConfig | undefined {
  const value = env[ADMIN_KEY_VARIABLE] ?? "";
  if (value === "") return undefined;
  const { min, max } = KEY_LENGTH;
  if (value.length < min || value.length > max || !/^[\x21-\x7e][\x20-\x7e]*[\x21-\x7e]$/.test(value)) {
    const expected = `expected ${min} to ${max} visible ASCII characters`;
    problems.push(settingProblem("invalid_value", ADMIN_KEY_VARIABLE, expected));
  }
  return { name: ADMIN_KEY_VARIABLE, key: new SecretText(value), role: "admin", policy: undefined };
}

// The address holds a password: nothing of it is shown.
function readDatabaseUrl(env: Environment, problems: ConfigProblem[]): SecretText | undefined {
  const value = env["PARLEY_DATABASE_URL"] ?? "";
  if (value === "") return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !["postgres:", "postgresql:"].includes(url.protocol)) {
    const expected = "expected the address of a PostgreSQL such as postgresql://USER:PASSWORD@HOST:5432/DATABASE";
    problems.push(settingProblem("invalid_value", "PARLEY_DATABASE_URL", expected));
    return undefined;
  }
  for (const password of [url.password, decoded(url.password)]) if (password !== "") rememberSecret(password);
  return new SecretText(value);
}

// As above. Whether every part of it can be used, whoever connects finds out.
function readRedisUrl(env: Environment, problems: ConfigProblem[]): SecretText | undefined {
  const value = env["PARLEY_REDIS_URL"] ?? "";
  if (value === "") return undefined;
  const match = /^rediss?(?:\+cluster)?:\/\/(?:(?:[^@/:]*:)?([^@/]*)@)?[^@/]+(?:\/\d*)?$/.exec(value);
  if (!match) {
    const expected = "expected redis://[USER:PASSWORD@]HOST[:PORT], rediss://… or redis+cluster://HOST:PORT,HOST:PORT";
    problems.push(settingProblem("invalid_value", "PARLEY_REDIS_URL", expected));
    return undefined;
  }
  if (!env["PARLEY_DATABASE_URL"]) {
    const why = "what replicas lease has to stand in a PostgreSQL that they share: set PARLEY_DATABASE_URL as well";
    problems.push(settingProblem("conflict", "PARLEY_REDIS_URL", why));
  }
  const password = match[1] ?? "";
  for (const secret of [password, decoded(password)]) if (secret !== "") rememberSecret(secret);
  return new SecretText(value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
