import { checkedEvents, type EventSource } from "./checked-events.ts";

/** Which of several candidates is meant. */
export interface CandidateOption {
  /** Index of the candidate. Unset: 0. */
  readonly candidate?: number;
}

/**
 * The text of one candidate, piece by piece as it comes. Throws where the stream fails, is cut or breaks the contract's
 * order, as `collect` does: a loop that ends without an error has had the whole text.
 */
export async function* textStream(
  source: EventSource,
  option: CandidateOption = {},
): AsyncGenerator<string, void, undefined> {
  const wanted = option.candidate ?? 0;
  const givenLengths = new Map<number, number>();
  for await (const { event } of checkedEvents(source)) {
    if (event.case === "reset" && givenLengths.size > 0) throw startsOver("text");
    if (event.case === "blockDelta") {
      const { candidate, block, delta } = event.value;
      if (candidate !== wanted || delta.case !== "text" || delta.value === "") continue;
      givenLengths.set(block, (givenLengths.get(block) ?? 0) + delta.value.length);
      yield delta.value;
    } else if (event.case === "blockFinished") {
      // A part that needed no deltas comes whole.
      const { candidate, block, part } = event.value;
      if (candidate !== wanted || part?.kind.case !== "text") continue;
      const rest = part.kind.value.text.slice(givenLengths.get(block) ?? 0);
      if (rest !== "") yield rest;
    }
  }
}

/** What was given out piece by piece cannot be taken back where a restartable answer starts over. */
export function startsOver(what: string): TypeError {
  return new TypeError(
    `Cannot take back the ${what} that was given out: the answer starts over; read the events of a restartable answer, or collect() it`,
  );
}
