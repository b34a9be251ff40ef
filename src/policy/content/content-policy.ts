import { compileHook, type ContentHook, type HookSettings } from "./hook.ts";
import { PII, type PiiKind } from "./pii/index.ts";
import { keywordScanner } from "./keywords.ts";
import { patternScanner } from "./regex/index.ts";
import { DEFAULT_REPLACEMENT, type TextRule } from "./text-filter.ts";

/** The content rules of a caller, compiled: those of all its policies, in order. */
export interface ContentPolicy {
  /** Names of the rules, for traces and audits. */
  readonly rules: readonly string[];
  /** What requests must pass; undefined: nothing. */
  readonly input: ContentRules | undefined;
  /** What answers must pass; undefined: nothing. */
  readonly output: ContentRules | undefined;
}

/** The rules of one direction. */
export interface ContentRules {
  /** Applied first, and here. */
  readonly texts: readonly TextRule[];
  /** Asked elsewhere, about what the texts' rules have left. */
  readonly hooks: readonly ContentHook[];
}

/** One rule as configured: one of `keywords`, `pattern`, `pii` and `hook` is set. */
export interface ContentRule {
  readonly name: string;
  readonly on: "input" | "output" | "both";
  /** Undefined with a hook, which decides itself. */
  readonly action?: "block" | "mask" | undefined;
  /** What stands for what is masked; undefined: a word that says what it was. */
  readonly replacement?: string | undefined;
  readonly keywords?: readonly string[] | undefined;
  readonly wholeWords?: boolean | undefined;
  readonly pattern?: string | undefined;
  readonly caseSensitive?: boolean | undefined;
  readonly pii?: readonly PiiKind[] | undefined;
  readonly hook?: HookSettings | undefined;
}

/** Compiles rules, once, when keys are loaded; undefined where there are none. Throws `PatternError`. */
export function compileContent(rules: readonly ContentRule[]): ContentPolicy | undefined {
  if (rules.length === 0) return undefined;
  const compiled = rules.map((rule) => ({ on: rule.on, texts: textRules(rule), hooks: compileHook(rule) }));
  const direction = (on: "input" | "output"): ContentRules | undefined => {
    const chosen = compiled.filter((one) => one.on === on || one.on === "both");
    if (chosen.length === 0) return undefined;
    return { texts: chosen.flatMap(({ texts }) => texts), hooks: chosen.flatMap(({ hooks }) => hooks) };
  };
  return { rules: rules.map(({ name }) => name), input: direction("input"), output: direction("output") };
}

function textRules(rule: ContentRule): TextRule[] {
  const { name, keywords, pattern, pii, wholeWords = true } = rule;
  const replacementOr = (usual: string): string | undefined =>
    rule.action === "mask" ? (rule.replacement ?? usual) : undefined;
  const replacement = replacementOr(DEFAULT_REPLACEMENT);
  if (keywords) {
    const caseSensitive = rule.caseSensitive ?? false;
    return [{ name, replacement, scanner: keywordScanner(keywords, { caseSensitive, wholeWords }) }];
  }
  if (pattern !== undefined) {
    return [{ name, replacement, scanner: patternScanner(pattern, rule.caseSensitive ?? true).scanner }];
  }
  return (pii ?? []).map((kind) => {
    const { scanner, replacement: usual } = PII[kind];
    return { name, scanner, replacement: replacementOr(usual) };
  });
}
