import type { KeyPath } from "./document.ts";
import type { KnownNames } from "./known-names.ts";
import { isLoopback } from "./loopback.ts";
import { listAt, mapAt, type RawMap, type Report } from "./raw.ts";
import { CONTENT_KINDS, WINDOW_CHARS } from "./schema-content.ts";

const NAME = /^[A-Za-z0-9][\w.:-]{0,63}$/;
const MAX_RULES = 100;
const MAX_KEYWORDS = 1000;
const MAX_KEYWORD_CHARS = 128;
const MAX_REPLACEMENT_CHARS = 128;

// Keys that only some kinds of rules have a use for.
const USES: Readonly<Record<string, readonly string[]>> = {
  action: ["keywords", "pattern", "pii"],
  case_sensitive: ["keywords", "pattern"],
  whole_words: ["keywords"],
  window: ["pattern"],
};

/** Checks the content rules of a policy: what they mean, and that nothing they say is without effect. */
export function checkContent(rules: unknown, path: KeyPath, known: KnownNames, report: Report): void {
  const list = listAt(rules);
  if (list.length > MAX_RULES) report("invalid_value", path, `expected at most ${MAX_RULES} rules`);
  const names = new Set<unknown>();
  for (const [index, entry] of list.entries()) {
    const rule = mapAt(entry);
    const at = [...path, index];
    const { name } = rule;
    if (typeof name === "string") {
      if (!NAME.test(name)) {
        const what = "expected a name of at most 64 letters, digits, dots, colons, dashes and underscores";
        report("invalid_value", [...at, "name"], what);
      } else if (names.has(name)) report("conflict", [...at, "name"], "another rule of the policy has this name too");
      names.add(name);
    }
    checkKind(rule, at, report);
    checkKeywords(rule, at, report);
    checkPattern(rule, at, known, report);
    checkUrl(mapAt(rule["hook"])["url"], [...at, "hook", "url"], report);
    checkReplacement(rule, at, report);
  }
}

function checkKind(rule: RawMap, at: KeyPath, report: Report): void {
  const kinds = CONTENT_KINDS.filter((kind) => rule[kind] !== undefined);
  const [kind, other] = kinds;
  if (kind === undefined) return report("missing", at, `expected one of ${CONTENT_KINDS.join(", ")}`);
  if (other !== undefined) {
    return report(
      "conflict",
      [...at, other],
      `a rule has one kind, and ${kind} stands beside it: make two rules`,
      "key",
    );
  }
  for (const [key, used] of Object.entries(USES)) {
    if (rule[key] !== undefined && !used.includes(kind)) {
      report("conflict", [...at, key], `has no effect on a rule with ${kind}: remove it`, "key");
    }
  }
  if (kind !== "hook" && rule["action"] === undefined) {
    report("missing", at, "expected action: block or mask");
  }
  if (kind === "pattern" && rule["on"] === "input" && rule["window"] !== undefined) {
    report("conflict", [...at, "window"], "has no effect on requests, which are read whole: remove it", "key");
  }
}

function checkKeywords({ keywords, pii }: RawMap, at: KeyPath, report: Report): void {
  for (const [key, value] of Object.entries({ keywords, pii })) {
    if (Array.isArray(value) && value.length === 0) report("invalid_value", [...at, key], "expected at least one");
  }
  const list = listAt(keywords);
  if (list.length > MAX_KEYWORDS) report("invalid_value", [...at, "keywords"], `expected at most ${MAX_KEYWORDS}`);
  for (const [index, keyword] of list.entries()) {
    if (typeof keyword !== "string") continue;
    if (keyword.trim() !== keyword || keyword.length > MAX_KEYWORD_CHARS) {
      const what = `expected at most ${MAX_KEYWORD_CHARS} characters without white space around them`;
      report("invalid_value", [...at, "keywords", index], what);
    }
  }
}

function checkPattern({ pattern, window, on }: RawMap, at: KeyPath, known: KnownNames, report: Report): void {
  if (typeof pattern !== "string" || pattern === "") return;
  const windowChars = on === "input" ? Infinity : typeof window === "number" ? window : WINDOW_CHARS.usual;
  const problem = known.patternProblem(pattern, windowChars);
  if (problem !== undefined) report("invalid_value", [...at, "pattern"], `the pattern ${problem}`);
}

function checkReplacement({ replacement, action, hook }: RawMap, at: KeyPath, report: Report): void {
  if (typeof replacement !== "string") return;
  const path = [...at, "replacement"];
  if (replacement.length > MAX_REPLACEMENT_CHARS) {
    report("invalid_value", path, `expected at most ${MAX_REPLACEMENT_CHARS} characters`);
  }
  if (action === "block" && hook === undefined) {
    report("conflict", path, "has no effect with action: block, which replaces nothing: remove it", "key");
  }
}

function checkUrl(value: unknown, path: KeyPath, report: Report): void {
  if (typeof value !== "string") return;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isSafe = url && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname)));
  if (!isSafe) {
    report("invalid_value", path, "expected a URL that begins with https:// (http:// on this machine only)");
  } else if (url.username !== "" || url.password !== "" || url.hash !== "") {
    report("invalid_value", path, "expected a URL without user, password and fragment: set secret instead");
  }
}
