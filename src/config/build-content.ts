import type * as z from "zod";
import type { ContentRuleConfig } from "./config-policies.ts";
import { CHUNK_CHARS, HOOK_TIMEOUT_MS, type contentValue } from "./schema-content.ts";

type ContentData = z.output<ReturnType<typeof contentValue>>;

/** The content rules of a policy, in the file's order. */
export function buildContent(data: ContentData | undefined): ContentRuleConfig[] {
  return (data ?? []).map(({ hook, case_sensitive: caseSensitive, whole_words: wholeWords, ...rule }) => ({
    name: rule.name,
    on: rule.on,
    action: rule.action,
    replacement: rule.replacement,
    keywords: rule.keywords,
    pattern: rule.pattern,
    pii: rule.pii,
    caseSensitive,
    wholeWords,
    hook: hook && {
      url: hook.url,
      timeoutMs: hook.timeout ?? HOOK_TIMEOUT_MS.usual,
      onError: hook.on_error,
      secret: hook.secret,
      chunkChars: hook.chunk ?? CHUNK_CHARS.usual,
    },
  }));
}
