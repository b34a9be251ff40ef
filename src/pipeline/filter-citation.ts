import { OffsetUnit, type Citation } from "../contract/index.ts";
import type { Span } from "../policy/content/coverage.ts";
import type { TextRule } from "../policy/content/text-filter.ts";
import { passText, type PassedText } from "../policy/content/text-stream.ts";

/** What a citation says itself that rules match: it cannot stay. Undefined: nothing. */
export function saysForbidden(citation: Citation, rules: readonly TextRule[]): PassedText | undefined {
  const { url = "", title = "", citedText = "", nativeJson = "{}" } = citation;
  const passed = [url, title, citedText].map((text) => passText(rules, "plain", text));
  passed.push(passText(rules, "json", nativeJson));
  return passed.find(({ blockedBy }) => blockedBy !== undefined) ?? passed.find(({ hits }) => hits.size > 0);
}

/**
 * A citation of a text of which something was masked, as it may stay: undefined where it is of what was masked, or does not
 * tell of what it is. Behind what was masked the places are others, and are not told.
 */
export function citationBeside(citation: Citation, raw: string, masked: readonly Span[]): Citation | undefined {
  const { outputStart, outputEnd, nativeJson: _, ...rest } = citation;
  if (outputStart === undefined || outputEnd === undefined) return undefined;
  const start = unitsAt(raw, outputStart, citation.offsetUnit);
  const end = unitsAt(raw, outputEnd, citation.offsetUnit);
  const first = masked[0]?.start;
  if (start === undefined || end === undefined || first === undefined) return undefined;
  if (end <= first) return citation;
  return masked.some((span) => span.start < end && start < span.end) ? undefined : rest;
}

/** UTF-16 units before a place in a text; undefined: the unit is not told. */
function unitsAt(text: string, place: number, unit: OffsetUnit): number | undefined {
  if (unit === OffsetUnit.UTF16) return place;
  if (unit === OffsetUnit.UNSPECIFIED) return undefined;
  let units = 0;
  for (let left = place; left > 0 && units < text.length;) {
    const character = String.fromCodePoint(text.codePointAt(units)!);
    left -= unit === OffsetUnit.CODE_POINTS ? 1 : Buffer.byteLength(character);
    units += character.length;
  }
  return units;
}
