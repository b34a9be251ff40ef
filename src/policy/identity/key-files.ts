import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ParleyError } from "../../errors/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { isMadeKey, makeKey } from "./key-format.ts";
import type { RevealableSecret, RingKey } from "./key-ring.ts";

/** A key that the gateway made for itself, in a file of the data folder that only its user can read. */
export interface KeyFile extends RingKey {
  readonly key: RevealableSecret;
  /** Absolute path, where the data folder's is. */
  readonly path: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

const MAX_BYTES = 1024;

/**
 * The keys of `admin.key` and `local.key` in the data folder, made where a file is missing; `admin.key` is left alone
 * where the administrator's key comes from elsewhere. Throws where a file cannot be read or written, holds no key, or
 * can be read by other users.
 */
export function ensureKeyFiles(dataDir: string, runtime: Runtime, options: { needsAdmin: boolean }): KeyFile[] {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ParleyError("MISCONFIGURED", `Cannot make the data folder ${dataDir}: ${codeOf(error)}`, {
      cause: error,
    });
  }
  const files = options.needsAdmin ? [ensureKeyFile(dataDir, "admin", runtime)] : [];
  return [...files, ensureKeyFile(dataDir, "local", runtime)];
}

function ensureKeyFile(dataDir: string, name: "admin" | "local", runtime: Runtime): KeyFile {
  const path = join(dataDir, `${name}.key`);
  const isNew = createIfMissing(path, runtime);
  const text = readKeyFile(path);
  const role = name === "admin" ? "admin" : "chat";
  return { name, path, isNew, role, policy: undefined, key: { reveal: () => text } };
}

/** Writes a new key unless there is one. A crash in between leaves no half a key: the file appears whole. */
function createIfMissing(path: string, runtime: Runtime): boolean {
  if (existsSync(path)) return false;
  const temporary = `${path}.${runtime.randomHex(4)}.tmp`;
  try {
    const file = openSync(temporary, "wx", 0o600);
    try {
      fchmodSync(file, 0o600); // whatever the umask
      writeSync(file, `${makeKey(runtime)}\n`);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    return true;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot make the key file ${path}: ${codeOf(error)}; check the data folder's owner and free space`,
      {
        cause: error,
      },
    );
  }
}

/** The key in a key file. Throws where the file is not private, or holds no key. */
export function readKeyFile(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new ParleyError("MISCONFIGURED", `Cannot read the key file ${path}: ${codeOf(error)}`, { cause: error });
  }
  try {
    const { mode, size } = fstatSync(file);
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw new ParleyError(
        "MISCONFIGURED",
        `Cannot use the key file ${path}: its mode is ${octal}, so that others can read it; chmod 600 it`,
      );
    }
    const text = size > MAX_BYTES ? "" : readFileSync(file, "utf8").trim();
    if (isMadeKey(text)) return text;
    throw new ParleyError(
      "MISCONFIGURED",
      `Cannot use the key file ${path}: it holds no key; remove it, and the next start makes a new one`,
    );
  } finally {
    closeSync(file);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
}
