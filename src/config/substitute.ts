import { SubstitutionError, type Substitute } from "./document.ts";

const MAX_SECRET_FILE_BYTES = 64 * 1024;
const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}?/g;

/** Where placeholders take their values from. */
export interface SubstitutionSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Text of a secret file, by the path as written. Throws where it cannot be read. */
  readonly readSecretFile: (path: string) => string;
}

/**
 * Fills placeholders: `${NAME}` with an environment variable, `${file:PATH}` with a file's text without its last line
 * feed (`${file:$NAME}`: the variable names the file), `$${` with a plain `${`. What they bring in is not looked at again.
 */
export function substituteFrom(sources: SubstitutionSources): Substitute {
  return (text) => {
    if (!text.includes("${")) return text;
    return text.replace(PLACEHOLDER, (whole: string, name: string | undefined) => {
      if (whole === "$${") return "${";
      if (!whole.endsWith("}")) throw new SubstitutionError("expected a closing brace after ${");
      return fill(name ?? "", sources);
    });
  };
}

function fill(name: string, sources: SubstitutionSources): string {
  if (!name.startsWith("file:")) return variable(name, sources);
  const path = name.slice("file:".length).trim();
  return readSecret(path.startsWith("$") ? variable(path.slice(1), sources) : path, sources);
}

function variable(name: string, sources: SubstitutionSources): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new SubstitutionError("expected ${NAME} for an environment variable or ${file:PATH} for a secret file");
  }
  const value = sources.env[name];
  if (value === undefined) throw new SubstitutionError(`the environment variable ${name} is not set`);
  if (value === "") throw new SubstitutionError(`the environment variable ${name} is empty`);
  return value;
}

function readSecret(path: string, sources: SubstitutionSources): string {
  if (path === "") throw new SubstitutionError("expected a path after ${file:");
  let text: string;
  try {
    text = sources.readSecretFile(path);
  } catch (error) {
    throw new SubstitutionError(`the secret file ${path} cannot be read: ${reasonOf(error)}`);
  }
  if (Buffer.byteLength(text) > MAX_SECRET_FILE_BYTES) {
    throw new SubstitutionError(`the secret file ${path} is larger than 64 KiB`);
  }
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new SubstitutionError(`the secret file ${path} is empty`);
  return secret;
}

/** Why a file could not be read, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Readonly<Record<string, string>> = {
    ENOENT: "it does not exist",
    EACCES: "this user may not read it",
    EISDIR: "it is a folder",
  };
  return words[code] ?? (code || "unknown reason");
}
