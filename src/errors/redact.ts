// Providers echo keys and prompts in their errors; what leaves the process passes here first.
const SECRETS: readonly RegExp[] = [
  /\b(?:sk|pk|rk|gsk|xai|nvapi|hf|pplx|csk|fw|tgp|key)[-_][A-Za-z0-9_*.-]{6,}/g,
  /\bAIza[0-9A-Za-z_*-]{8,}/g,
  /\bparley_[A-Za-z0-9]+_[A-Za-z0-9_-]+/g,
  /\bBearer\s+[^\s"',;]{6,}/gi,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g,
  /\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b/g,
  /([?&](?:key|api_key|access_token|token|sig|signature)=)[^&\s"']+/gi,
  /\b[A-Za-z0-9_-]{40,}\b/g, // long opaque words: keys of shapes not listed above
];

// Secrets of the configuration, which have whatever shape their providers gave them.
const remembered = new Set<string>();
const MIN_REMEMBERED_CHARS = 8;

/** Has `redact` replace this very text from now on. Fewer than 8 characters are too common for it. */
export function rememberSecret(secret: string): void {
  if (secret.length >= MIN_REMEMBERED_CHARS) remembered.add(secret);
}

/** A secret that has run out, such as an access token, need not be looked for any more. */
export function forgetSecret(secret: string): void {
  remembered.delete(secret);
}

/** The text with the remembered secrets replaced by `[redacted]`, and nothing that only looks like one. */
export function redactRemembered(text: string): string {
  let clean = text;
  for (const secret of remembered) clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}

/** The text with everything that looks like a credential, or is a remembered one, replaced by `[redacted]`. */
export function redact(text: string): string {
  let clean = redactRemembered(text);
  for (const pattern of SECRETS) {
    clean = clean.replace(pattern, (_match, prefix: unknown) =>
      typeof prefix === "string" && prefix.endsWith("=") ? `${prefix}[redacted]` : "[redacted]",
    );
  }
  return clean;
}

/** The text cut to at most `maxChars` UTF-16 units, never within a surrogate pair, with an ellipsis where it was cut. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const end = maxChars - 1;
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}
