import { dirname, join } from "node:path";
import type { Config } from "./config.ts";
import { DEFAULT_DATA_DIR, DEFAULT_HOST, DEFAULT_PORT } from "./defaults.ts";
import { DEFAULT_LOCAL_POLICY } from "./build-policies.ts";
import { RESCUE_ROUTE } from "./zero-config.ts";

/** What a started gateway tells. */
export interface BannerInput {
  readonly config: Config;
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly address: { readonly host: string; readonly port: number; readonly adminPort?: number | undefined };
  /** Absolute path of the project, where `npm run example` works. */
  readonly projectDir: string;
  readonly keyFiles: readonly BannerKeyFile[];
  readonly notices: readonly string[];
  /** Whether people read it: only then may a new key be printed. */
  readonly isTerminal: boolean;
}

/** A key file; the last one that is not the administrator's serves the examples. */
export interface BannerKeyFile {
  /** `admin` or `local`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /** The key, where it was made just now. */
  readonly newKey: string | undefined;
}

/** The lines that a start prints, ready to be pasted from: where the gateway is, its keys, and what to try. */
export function bannerLines(input: BannerInput): string[] {
  const url = baseUrl(input);
  return [
    `Parley listens on ${url} (${input.config.source}, data in ${input.config.server.dataDir})`,
    ...adminLines(input),
    ...keyLines(input),
    ...input.notices.map((notice) => `Note: ${notice}`),
    ...exampleLines(input, url),
  ];
}

/** The address as a client of the same machine writes it. */
export function baseUrl(input: Pick<BannerInput, "address" | "config">): string {
  const { host, port } = input.address;
  const scheme = input.config.server.tls ? "https" : "http";
  // An address that stands for all of them can be listened on, but not be called.
  const anywhere: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1" };
  const name = anywhere[host] ?? (host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);
  return `${scheme}://${name}:${port}`;
}

function adminLines({ config, address: { adminPort } }: BannerInput): string[] {
  if (adminPort === undefined) return [];
  const address = { host: config.server.admin?.host ?? DEFAULT_HOST, port: adminPort };
  return [`Administration listens on ${baseUrl({ config, address })}`];
}

function keyLines({ keyFiles, isTerminal, config }: BannerInput): string[] {
  const isOwn = config.policies.some(({ name }) => name === DEFAULT_LOCAL_POLICY.name);
  const local = isOwn ? "Key for chat" : "Key for chat, 5 USD a day";
  const titles: Readonly<Record<string, string>> = { admin: "Administrator key", local };
  return keyFiles.map(({ name, path, newKey }) => {
    const title = titles[name] ?? `Key ${name}`;
    return newKey !== undefined && isTerminal ? `${title}: ${newKey} (kept in ${path})` : `${title}: in ${path}`;
  });
}

function exampleLines(input: BannerInput, url: string): string[] {
  const { config, keyFiles } = input;
  const keyFile = keyFiles.find((one) => one.name === "local") ?? keyFiles[0];
  if (!keyFile) return [];
  // The key is read where the line runs: it stays out of the shell's history and of the process list's reader.
  const key = `-H "authorization: Bearer $(cat ${shellWord(keyFile.path)})"`;
  const json = "-H 'content-type: application/json'";
  const models = exampleModels(config);
  if (!models) return ["", "Try:", `  curl -sS ${shellWord(`${url}/v1/models`)} ${key}`];
  const rescue = config.routes.some((route) => route.name === RESCUE_ROUTE.name);
  return [
    "",
    "Try (REST, the contract, the SDK):",
    `  curl -sSN ${shellWord(`${url}/v1/chat/completions`)} ${key} ${json} -d ${restBody(models.streamed, true)}`,
    `  curl -sS ${shellWord(`${url}/parley.v1.ChatService/Generate`)} ${key} ${json} -d ${contractBody(models.unary)}`,
    `  ${exampleCommand(input, url, keyFile.path)}`,
    ...(rescue
      ? [
          "Watch a rescue (the first target fails; see x-parley-attempts and x-parley-model):",
          `  curl -sSi ${shellWord(`${url}/v1/chat/completions`)} ${key} ${json} -d ${restBody(RESCUE_ROUTE.name, false)}`,
        ]
      : []),
  ];
}

function exampleModels(config: Config): { streamed: string; unary: string } | undefined {
  if (config.sandbox) return { streamed: "sandbox/story", unary: "sandbox/echo" };
  const listed = config.providers.flatMap(({ name: provider, models }) =>
    typeof models === "object" ? models.map((model) => `${provider}/${model.publicId}`) : [],
  );
  const name = config.routes[0]?.name ?? listed[0];
  return name === undefined ? undefined : { streamed: name, unary: name };
}

function restBody(model: string, stream: boolean): string {
  const messages = [{ role: "user", content: "Tell me a story" }];
  return shellWord(JSON.stringify({ model, ...(stream ? { stream } : {}), messages }));
}

function contractBody(model: string): string {
  const messages = [{ role: "ROLE_USER", parts: [{ text: { text: "Hello, Parley" } }] }];
  return shellWord(JSON.stringify({ request: { model, messages } }));
}

// The example finds a gateway at the default address and its key in the project's own data folder by itself.
function exampleCommand({ projectDir }: BannerInput, url: string, keyPath: string): string {
  const variables = [
    ...(url === `http://${DEFAULT_HOST}:${DEFAULT_PORT}` ? [] : [`PARLEY_BASE_URL=${shellWord(url)}`]),
    ...(dirname(keyPath) === join(projectDir, DEFAULT_DATA_DIR) ? [] : [`PARLEY_DATA=${shellWord(dirname(keyPath))}`]),
  ];
  return [...variables, `npm run example --prefix ${shellWord(projectDir)}`].join(" ");
}

/** The text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
