import type * as z from "zod";
import type { ConfigDocument, KeyPath } from "./document.ts";
import type { ConfigProblem } from "./problem.ts";
import type { IssueParams } from "./scalars.ts";
import { unknownKeysOf } from "./section.ts";

type Issue = z.core.$ZodIssue;

/** What the schema found, as problems with their places in the file. */
export function problemsOf(issues: readonly Issue[], document: ConfigDocument): ConfigProblem[] {
  return issues
    .flatMap((issue) => flatten(issue, []))
    .filter(({ path }) => !document.isBroken(path))
    .flatMap(({ issue, path }) => describe(issue, path, document));
}

interface PlacedIssue {
  readonly issue: Issue;
  readonly path: KeyPath;
}

/** A union's issue stands for what is wrong with the one shape that was meant, where that is clear. */
function flatten(issue: Issue, parent: KeyPath): PlacedIssue[] {
  const path = [...parent, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
  if (issue.code !== "invalid_union") return [{ issue, path }];
  const meant = issue.errors.filter((branch) => !branch.some(isOfWrongType));
  const [only] = meant;
  return meant.length === 1 && only ? only.flatMap((one) => flatten(one, path)) : [{ issue, path }];
}

function isOfWrongType(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code !== "unrecognized_keys" && issue.code !== "invalid_union";
}

function describe(issue: Issue, path: KeyPath, document: ConfigDocument): ConfigProblem[] {
  if (issue.code === "unrecognized_keys") {
    const described = unknownKeysOf(issue.message);
    return issue.keys.flatMap((key, index) => {
      const unknown = described[index];
      return unknown ? [document.problem(unknown.code, [...path, key], unknown.message, "key")] : [];
    });
  }
  if (!document.has(path)) return [document.problem("missing", path, `is missing: ${issue.message}`)];
  const params = issue.code === "custom" ? (issue.params as IssueParams | undefined) : undefined;
  const shown = document.shown(path);
  // All that may be told of a secret's text is that it is text.
  const got = shown === "text" ? "" : `, got ${shown}`;
  return [document.problem(params?.code ?? "invalid_value", path, `${issue.message}${got}${params?.hint ?? ""}`)];
}
