import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { DEFAULT_DATA_DIR, DEFAULT_HOST, DEFAULT_PORT } from "../config/defaults.ts";
import { ErrorReason, GatewayErrorSchema } from "../contract/index.ts";
import { reasonName } from "../errors/index.ts";
import { readKeyFile } from "../policy/identity/key-files.ts";
import { CommandError, type CliContext, type CommandInput } from "./command.ts";

/** Flags of every command that calls a running gateway. */
export const CLIENT_FLAGS = {
  url: `address of the gateway; PARLEY_BASE_URL; default http://${DEFAULT_HOST}:${DEFAULT_PORT}`,
  "key-file": "file that holds the key; PARLEY_API_KEY or PARLEY_ADMIN_KEY hold it themselves; default DIR/admin.key",
  data: `the gateway's data folder DIR; PARLEY_DATA; default ./${DEFAULT_DATA_DIR}`,
} as const;

/** A running gateway, as commands call it. */
export interface GatewayClient {
  readonly url: string;
  readonly transport: Transport;
}

/** Finds the gateway's address and a key for it. Throws `CommandError` where there is none. */
export function connectToGateway(input: CommandInput, context: CliContext): GatewayClient {
  const url = findUrl(input, context);
  const key = findKey(input, context);
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${key}`);
        return next(request);
      },
    ],
  });
  return { url, transport };
}

function findUrl(input: CommandInput, { env }: CliContext): string {
  const host = env["PARLEY_HOST"] || DEFAULT_HOST;
  const url =
    input.flags.get("url") ?? (env["PARLEY_BASE_URL"] || `http://${host}:${env["PARLEY_PORT"] || DEFAULT_PORT}`);
  if (/^https?:\/\/[^\s]+$/.test(url) && URL.canParse(url)) return url.replace(/\/+$/, "");
  throw new CommandError(
    `Cannot call the gateway: ${JSON.stringify(url)} is no address such as http://127.0.0.1:8080`,
    2,
  );
}

function findKey(input: CommandInput, { env, cwd }: CliContext): string {
  const file = input.flags.get("key-file");
  if (file !== undefined) return readAnyKeyFile(resolve(cwd, file));
  const fromEnvironment = env["PARLEY_API_KEY"] || env["PARLEY_ADMIN_KEY"];
  if (fromEnvironment) return fromEnvironment;
  const path = join(dataDir(input, { env, cwd }), "admin.key");
  try {
    return readKeyFile(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : "it cannot be read";
    throw new CommandError(`${why}. Name a key with --key-file or PARLEY_API_KEY, or the data folder with --data`);
  }
}

/** The gateway's data folder, absolute. */
export function dataDir(input: CommandInput, { env, cwd }: Pick<CliContext, "env" | "cwd">): string {
  return resolve(cwd, input.flags.get("data") ?? (env["PARLEY_DATA"] || DEFAULT_DATA_DIR));
}

// A file that was named may hold a fixed key, of any shape.
function readAnyKeyFile(path: string): string {
  try {
    const key = readFileSync(path, "utf8").trim();
    if (key !== "") return key;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new CommandError(`Cannot read the key file ${path}: ${code}`);
  }
  throw new CommandError(`Cannot use the key file ${path}: it is empty`);
}

/** The sentence for a call that failed; `what` was to be done. */
export function callFailure(what: string, thrown: unknown, url: string): CommandError {
  const error = ConnectError.from(thrown);
  const [detail] = error.findDetails(GatewayErrorSchema);
  if (detail) {
    const reason = detail.reason === ErrorReason.UNSPECIFIED ? "" : `${reasonName(detail.reason)}, `;
    return new CommandError(`${detail.message} (${reason}request ${detail.requestId || "unknown"})`);
  }
  if (hasCode(error, ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "EAI_AGAIN"])) {
    return new CommandError(
      `Cannot ${what}: no gateway answers at ${url}; start one with npm start, or name its address with --url`,
    );
  }
  const status = Code[error.code] ?? String(error.code);
  return new CommandError(`Cannot ${what}: ${url} answered ${status}: ${error.rawMessage}`);
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if ("code" in cause && codes.includes(String(cause.code))) return true;
  }
  return false;
}
