import type { MediaPart } from "../contract/index.ts";
import type { Adaptations } from "./adaptations.ts";

/** What a caller may tell about a medium beside its bytes. */
export type MediaFact = "detail" | "title" | "filename" | "citationsEnabled";

const FACTS: readonly (readonly [fact: MediaFact, field: string, what: string])[] = [
  ["detail", "detail", "how finely such a medium is looked at"],
  ["title", "title", "the title of such a medium"],
  ["filename", "filename", "the file name of such a medium"],
  ["citationsEnabled", "citations_enabled", "whether such a medium may be cited"],
];

/** Tells of the facts about a medium that have no place where it stands on the wire; `carried` are those that have. */
export function noteLostFacts(
  media: MediaPart,
  field: string,
  carried: readonly MediaFact[],
  adaptations: Adaptations,
): void {
  for (const [fact, name, what] of FACTS) {
    if (media[fact] === undefined || carried.includes(fact)) continue;
    adaptations.addPart(`${field}.media.${name}`, undefined, `the wire format cannot say ${what}`);
  }
}
