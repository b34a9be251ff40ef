import type { MessageInitShape } from "@bufbuild/protobuf";
import { Role, type ChatRequestSchema } from "../../src/contract/index.ts";
import type { Door, Outcome } from "./doors.ts";

/** A request that runs through a door. */
export interface LiveRequest {
  readonly door: Door;
  /** Resolves when the first text of a streamed answer has come; of a unary one, at once. Rejects when it ends without. */
  readonly begun: Promise<void>;
  /** What came of it; a connection that breaks is the end `CUT`. */
  readonly outcome: Promise<Pick<Outcome, "end" | "text" | "terminals">>;
  /** Whether it has ended, however. */
  readonly hasEnded: () => boolean;
}

/** Sends a request through a door and does not wait for its end. */
export function openRequest(
  door: Door,
  model: string,
  fallbackModels: string[] = [],
  more: Pick<MessageInitShape<typeof ChatRequestSchema>, "tags" | "sampling"> = {},
): LiveRequest {
  const begun = Promise.withResolvers<void>();
  let hasEnded = false;
  const messages = [
    { role: Role.USER, parts: [{ kind: { case: "text", value: { text: "Tell me a story" } } as const }] },
  ];
  const outcome = door
    .ask({ model, messages, routing: { fallbackModels }, ...more }, undefined, begun.resolve)
    .catch((thrown: unknown) => ({ end: "CUT", text: String(thrown), terminals: 0 }))
    .then((one) => {
      hasEnded = true;
      begun.reject(new Error(`${door.name} ended with ${one.end} before its first text`));
      return one;
    });
  if (!door.stream) begun.resolve();
  begun.promise.catch(() => {}); // whoever does not wait for the beginning learns the end from the outcome
  return { door, begun: begun.promise, outcome, hasEnded: () => hasEnded };
}

/** What came of each request, by its door's name. */
export async function outcomesOf(requests: readonly LiveRequest[]): Promise<Record<string, string>> {
  const ends = requests.map(async ({ door, outcome }) => [door.name, describe(await outcome)] as const);
  return Object.fromEntries(await Promise.all(ends));
}

/** The same text for each request, to compare `outcomesOf` with. */
export function allOf(requests: readonly LiveRequest[], text: string): Record<string, string> {
  return Object.fromEntries(requests.map(({ door }) => [door.name, text]));
}

function describe({ end, text, terminals }: Pick<Outcome, "end" | "text" | "terminals">): string {
  return `${end} (${terminals}): ${text}`;
}
