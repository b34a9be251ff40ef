import type { KeyPath } from "./document.ts";
import type { ProblemCode } from "./problem.ts";

/**
 * Reports a problem of the value at a path, or of its key. A message that quotes the value gets it as the file has it:
 * the raw data has its placeholders filled, perhaps with a secret.
 */
export type Report = (
  code: ProblemCode,
  path: KeyPath,
  message: string | ((shown: string) => string),
  at?: "key" | "value",
) => void;

/** A map of the file before its schema was applied. */
export type RawMap = Readonly<Record<string, unknown>>;

/** The map, or an empty one where the value is none. */
export function mapAt(value: unknown): RawMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** The list, or an empty one where the value is none. */
export function listAt(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
