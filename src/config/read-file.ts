import { dirname, resolve } from "node:path";
import { crossCheck } from "./cross-check.ts";
import { ConfigDocument } from "./document.ts";
import { problemsOf } from "./issues.ts";
import type { KnownNames } from "./known-names.ts";
import type { ConfigProblem } from "./problem.ts";
import { fileSchema, type FileData } from "./schema.ts";
import { reasonOf, substituteFrom } from "./substitute.ts";

/** What reading a configuration file needs. */
export interface FileSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly known: KnownNames;
  /** Text of a file by its absolute path; throws as `node:fs` does. */
  readonly readFile: (path: string) => string;
}

/** A configuration file, checked. */
export interface CheckedFile {
  readonly document: ConfigDocument;
  /** Undefined where there are problems. */
  readonly data: FileData | undefined;
  /** All that is wrong, in the order of the file. */
  readonly problems: readonly ConfigProblem[];
}

/** Checks the text of a file: its syntax, placeholders, schema, and what its parts say together. */
export function checkFile(text: string, path: string, sources: FileSources): CheckedFile {
  const read = (file: string): string => sources.readFile(resolve(dirname(path), file));
  const document = new ConfigDocument(text, path, substituteFrom({ env: sources.env, readSecretFile: read }));
  if (document.value === undefined) return { document, data: undefined, problems: document.problems };
  const result = fileSchema(sources.known).safeParse(document.value);
  if (!result.success) document.problems.push(...problemsOf(result.error.issues, document));
  crossCheck(document, sources.known, (file) => {
    try {
      read(file);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  });
  const problems = document.problems.toSorted(byPlace);
  return { document, data: problems.length === 0 ? result.data : undefined, problems };
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
