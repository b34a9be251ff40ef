/** Cuts text into pieces as a tokenizer would: words with their leading white space. Joined they are the text again. */
export function splitTokens(text: string): string[] {
  return text.match(/\s*\S{1,16}|\s+/gu) ?? [];
}

/** Cuts JSON text into fragments of at most `length` characters, none of them in the middle of a surrogate pair. */
export function splitFragments(json: string, length = 8): string[] {
  return json.match(new RegExp(`[^]{1,${length}}`, "gu")) ?? [];
}

/** Tokens that a text of this many bytes is billed as: four bytes each, rounded up. */
export function estimateTokens(byteLength: number): number {
  return Math.ceil(byteLength / 4);
}
