import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  buildDrain,
  buildKeys,
  buildLimits,
  buildIssuers,
  buildOrganisations,
  buildProviders,
  buildTimeouts,
} from "./build.ts";
import { buildPolicies } from "./build-policies.ts";
import { buildRouteDefaults, buildRoutes, DEFAULT_ROUTE } from "./build-routes.ts";
import type { Config, ServerConfig, ObservabilityConfig } from "./config.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "./defaults.ts";
import type { ConfigDocument, KeyPath } from "./document.ts";
import { readFlags } from "./flags.ts";
import type { KnownNames } from "./known-names.ts";
import { isLoopback } from "./loopback.ts";
import { ConfigError, settingProblem, type ConfigProblem, type ProblemCode } from "./problem.ts";
import { checkFile, type FileSources } from "./read-file.ts";
import { DOORS } from "./schema-server.ts";
import type { FileData, ServerData } from "./schema.ts";
import { buildAlerts } from "./schema-budgets.ts";
import { ADMIN_KEY_VARIABLE, readSettings, type Settings } from "./settings.ts";
import { reasonOf } from "./substitute.ts";
import { zeroConfig } from "./zero-config.ts";

/** Where the configuration comes from. */
export interface LoadOptions {
  /** The command line without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that relative paths of flags, environment and defaults start from. */
  readonly cwd: string;
  readonly known: KnownNames;
  /** Text of a file by its absolute path; throws as `node:fs` does, which is the default. */
  readonly readFile?: (path: string) => string;
}

/** A configuration that passed every check. */
export interface LoadedConfig {
  readonly config: Config;
  /** Absolute path of its file; undefined for zero-config. */
  readonly file: string | undefined;
  /** Absolute path and digest of every file it was read from: its own, secrets, certificates. */
  readonly reads: ReadonlyMap<string, string>;
  /** Sentences for people about what they may not expect. */
  readonly notices: readonly string[];
  /** A problem of this configuration, with its place in the file where it has one. */
  readonly problem: (code: ProblemCode, path: KeyPath, message: string) => ConfigProblem;
}

/**
 * Reads flags, environment and file, checks everything and gives the merged configuration. Throws `ConfigError` with
 * all that is wrong. Call `readFlags` first where `--help` or `sandbox` may have been asked for.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const settings = readSettings(readFlags(options.argv), options.env, options.cwd, problems);
  const reads = new Map<string, string>();
  const read = options.readFile ?? ((path) => readFileSync(path, "utf8"));
  const sources: FileSources = {
    ...options,
    readFile(path) {
      const text = read(path);
      reads.set(path, hash("sha256", text));
      return text;
    },
  };
  const problemsBefore = problems.length;
  const text = readNamedFile(settings, sources, problems);
  let loaded: Loaded | undefined;
  if (text !== undefined) loaded = fromFile(text, settings, sources, problems);
  else if (problems.length === problemsBefore) loaded = fromEnvironment(settings, options, problems);
  if (loaded) problems.push(...adminProblems(settings, loaded.config.server));
  if (problems.length > 0 || !loaded) throw new ConfigError(problems);
  const { config, document } = loaded;
  return {
    config: settings.adminKey ? { ...config, keys: [settings.adminKey, ...config.keys] } : config,
    file: document?.file,
    reads,
    notices: [...settings.notices, ...loaded.notices, ...openDoorNotices(config.server)],
    problem: (code, path, message) =>
      document?.problem(code, path, message) ?? settingProblem(code, path.join("."), message),
  };
}

interface Loaded {
  readonly config: Config;
  readonly notices: readonly string[];
  readonly document?: ConfigDocument;
}

/** Its text, or undefined where there is none: a problem only for a file that was named, or cannot be read. */
function readNamedFile(settings: Settings, sources: FileSources, problems: ConfigProblem[]): string | undefined {
  try {
    return sources.readFile(settings.file);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing && settings.fileNamedBy === undefined) return undefined;
    const message = `the configuration file ${settings.file} cannot be read: ${reasonOf(error)}`;
    problems.push(settingProblem(isMissing ? "not_found" : "unreadable", settings.fileNamedBy ?? "", message));
    return undefined;
  }
}

function fromFile(
  text: string,
  settings: Settings,
  sources: FileSources,
  problems: ConfigProblem[],
): Loaded | undefined {
  const { document, data, problems: found } = checkFile(text, settings.file, sources);
  problems.push(...found);
  if (!data) return undefined;
  const twin = data.keys?.findIndex((one) => one.key && one.key.reveal() === settings.adminKey?.key?.reveal()) ?? -1;
  if (twin >= 0) {
    problems.push(document.problem("conflict", ["keys", twin, "key"], `${ADMIN_KEY_VARIABLE} has the same text`));
  }
  const routeDefaults = buildRouteDefaults(data);
  const config: Config = {
    server: buildServer(data.server, settings, dirname(settings.file)),
    providers: buildProviders(data),
    routes: buildRoutes(data.routes, routeDefaults),
    tasks: buildRoutes(data.tasks, routeDefaults),
    routeDefaults,
    organisations: buildOrganisations(data),
    // Whether they are JSON the cross-check has found; where they are not, the configuration is refused all the same.
    issuers: problems.length > 0 ? [] : buildIssuers(data),
    keys: buildKeys(data),
    policies: buildPolicies(data),
    sandbox: data.sandbox ?? false,
    databaseUrl: settings.databaseUrl,
    redisUrl: settings.redisUrl,
    observability: buildObservability(data.observability, dirname(settings.file)),
    fleet: { whenIsolated: data.fleet?.when_isolated ?? "refuse" },
    source: settings.file,
  };
  return { config, notices: emptinessNotices(data), document };
}

function fromEnvironment(settings: Settings, options: LoadOptions, problems: ConfigProblem[]): Loaded {
  const zero = zeroConfig(options.env, options.known);
  problems.push(...zero.problems);
  const server = buildServer(undefined, settings, options.cwd);
  const config: Config = {
    // Whoever reaches a loopback address is on this machine already; from anywhere else a key is needed.
    server: isLoopback(server.host) ? { ...server, open: DOORS } : server,
    providers: zero.providers,
    routes: zero.routes,
    tasks: [],
    routeDefaults: DEFAULT_ROUTE,
    organisations: [],
    keys: [],
    policies: [],
    sandbox: true,
    databaseUrl: settings.databaseUrl,
    redisUrl: settings.redisUrl,
    observability: buildObservability(undefined, options.cwd),
    fleet: { whenIsolated: "refuse" },
    source: "zero-config",
  };
  return { config, notices: zero.notices };
}

function buildServer(data: ServerData | undefined, settings: Settings, baseDir: string): ServerConfig {
  const { tls } = data ?? {};
  return {
    host: settings.host ?? data?.host ?? DEFAULT_HOST,
    port: settings.port ?? data?.port ?? DEFAULT_PORT,
    dataDir: settings.dataDir ?? (data?.data === undefined ? settings.defaultDataDir : resolve(baseDir, data.data)),
    admin: buildAdmin(data, settings),
    tls: tls && {
      certFile: resolve(baseDir, tls.cert),
      keyFile: resolve(baseDir, tls.key),
      ...(tls.client_ca === undefined ? {} : { clientCaFile: resolve(baseDir, tls.client_ca) }),
    },
    open: data?.open ?? [],
    corsOrigins: data?.cors_origins ?? [],
    limits: buildLimits(data?.limits),
    timeouts: buildTimeouts(data?.timeouts),
    drain: buildDrain(data?.drain),
    durability: data?.durability ?? "os",
  };
}

function buildAdmin(data: ServerData | undefined, settings: Settings): ServerConfig["admin"] {
  const port = settings.adminPort ?? data?.admin_port;
  return port === undefined ? undefined : { host: settings.adminHost ?? data?.admin_host ?? DEFAULT_HOST, port };
}

function adminProblems({ adminHost }: Settings, { host, port, admin }: ServerConfig): ConfigProblem[] {
  if (!admin) {
    return adminHost === undefined
      ? []
      : [settingProblem("missing", "--admin-port", "expected it beside --admin-host")];
  }
  if (admin.port === 0 || admin.port !== port || admin.host !== host) return [];
  return [settingProblem("conflict", "--admin-port", "it is the main port: choose another one, or leave it out")];
}

function buildObservability(data: FileData["observability"], baseDir: string): ObservabilityConfig {
  return {
    decisionsFile: data?.decisions === undefined ? undefined : resolve(baseDir, data.decisions),
    alerts: buildAlerts(data?.alerts),
  };
}

function emptinessNotices(data: FileData): string[] {
  const hasProvider = data.sandbox === true || Object.keys(data.providers ?? {}).length > 0;
  return hasProvider ? [] : ["the configuration has no provider and no sandbox: every model is unknown"];
}

function openDoorNotices(server: ServerConfig): string[] {
  if (isLoopback(server.host) || server.open.length === 0) return [];
  return [`server.open lets anyone who reaches ${server.host} see ${server.open.join(" and ")} without a key`];
}
