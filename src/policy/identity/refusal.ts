import { ParleyError } from "../../errors/index.ts";

/** How a key is sent, for messages. */
export const HOW = "send the header `authorization: Bearer KEY`";

/** `UNAUTHENTICATED`, which never says how near a key was. */
export function refusal(why: string): ParleyError {
  return new ParleyError("UNAUTHENTICATED", `Cannot authenticate: ${why}`);
}
