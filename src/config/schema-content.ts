import type { KnownNames } from "./known-names.ts";
import { boolean, choice, duration, integer, secret, text } from "./scalars.ts";
import { listOf, section } from "./section.ts";

/** Characters that a stream may hold back for a pattern: least, most, and where nothing is said. */
export const WINDOW_CHARS = { min: 16, max: 4096, usual: 256 } as const;
/** Characters of a stream after which a hook is asked. */
export const CHUNK_CHARS = { min: 64, max: 65_536, usual: 2048 } as const;
/** How long a hook may take, in milliseconds. */
export const HOOK_TIMEOUT_MS = { min: 1, max: 60_000, usual: 2000 } as const;

/** Kinds of rules: each rule has exactly one of these keys. */
export const CONTENT_KINDS = ["keywords", "pattern", "pii", "hook"] as const;

/** The list `content` of a policy. What its keys mean together is checked in check-content.ts. */
export function contentValue({ pii }: KnownNames) {
  const hook = section({
    url: text("Where it is asked, by POST.", "a URL that begins with https:// (http:// on this machine only)"),
    timeout: duration(
      "How long it may take.",
      [HOOK_TIMEOUT_MS.min, HOOK_TIMEOUT_MS.max],
      HOOK_TIMEOUT_MS.usual,
    ).optional(),
    on_error: choice("What happens where it cannot be asked.", ["block", "allow"]),
    secret: secret('Sent to it as a bearer token, best as "${NAME}" or "${file:PATH}".', {
      min: 16,
      max: 8192,
      spaces: false,
    }).optional(),
    chunk: integer(
      "Characters of a streamed answer after which it is asked; they wait for its verdict.",
      CHUNK_CHARS.min,
      CHUNK_CHARS.max,
      CHUNK_CHARS.usual,
    ).optional(),
  }).meta({ id: "content_hook", description: "A classifier of yours that is asked over HTTP." });
  const rule = section({
    name: text("Its name in errors and adaptations."),
    on: choice("What it reads: requests, answers, or both.", ["input", "output", "both"]),
    keywords: listOf(text("A keyword."), "Words and phrases.", "a list of words and phrases").optional(),
    pattern: text("A regular expression, without lookaround and backreferences.").optional(),
    pii: listOf(choice("A kind.", pii), "Kinds of personal data.", `a list of ${pii.join(", ")}`).optional(),
    hook: hook.optional(),
    action: choice("block: refuse, typed. mask: replace what matches.", ["block", "mask"]).optional(),
    replacement: text("What stands for what is masked. Unset: a word that says what it was.").optional(),
    case_sensitive: boolean("Whether case matters. Unset: not for keywords, but for patterns.").optional(),
    whole_words: boolean("Whether keywords are found as whole words only.", true).optional(),
    window: integer(
      "Most characters that a streamed answer is held back for a pattern.",
      WINDOW_CHARS.min,
      WINDOW_CHARS.max,
      WINDOW_CHARS.usual,
    ).optional(),
  }).meta({ id: "content_rule" });
  return listOf(rule, "What may be said to and by models; all rules hold.", "a list of rules");
}
