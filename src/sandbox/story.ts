// Ten words a line. Accents, CJK and an emoji are there so that a character split between two reads cannot hide.
const LINES = [
  "Every night the keeper of the old lighthouse climbs up",
  "its ninety-nine steps, lights the lamp, and waits for 🚢.",
  "The sea is wide, the fog is thick, and signals",
  "get lost; so each flash carries a number, naïve perhaps,",
  "yet no sailor has ever taken a broken message for",
  "a whole one. 灯台 and ship agree: count, then trust.",
];

const WORDS = LINES.flatMap((line) => line.split(" "));

/**
 * The first `count` tokens of the story: each carries its own number, from 1, so that a lost, repeated or reordered one
 * shows. White space leads a token and never ends one. After 60 the words begin again and the numbers go on.
 */
export function storyTokens(count: number = WORDS.length): string[] {
  return Array.from({ length: count }, (_, index) => {
    const space = index === 0 ? "" : index % 10 === 0 ? "\n" : " ";
    return `${space}${String(index + 1).padStart(2, "0")}·${WORDS[index % WORDS.length] ?? ""}`;
  });
}

/** The whole story of 60 tokens: what `story`, and every fault that answers well, says. */
export const storyText: string = storyTokens().join("");
