import { startScriptedUpstream, type ScriptedUpstream } from "../scripted-upstream.ts";
import { anthropicVendor } from "./anthropic.ts";
import { geminiVendor } from "./gemini.ts";
import { openaiResponsesVendor } from "./openai-responses.ts";
import { openrouterVendor } from "./openrouter.ts";
import { THANKS } from "../shim-clients/client.ts";
import { TURNS, type ReasoningVendor } from "./vendor.ts";

/** A provider with a reasoning model for each wire format. */
export const REASONING_VENDORS: readonly ReasoningVendor[] = [
  openrouterVendor,
  openaiResponsesVendor,
  anthropicVendor,
  geminiVendor,
];

/** The states that the request for the turn at this place must hold. */
function dueStates(turn: number): readonly string[] {
  return TURNS.slice(0, turn).map(({ state }) => state);
}

/** Starts the provider: it answers the turn that is due, and refuses a history that lacks a state. */
export function startReasoningVendor(vendor: ReasoningVendor): Promise<ScriptedUpstream> {
  return startScriptedUpstream(({ path, body }) => {
    const results = vendor.resultsIn(body);
    const isThanked = JSON.stringify(body).includes(THANKS);
    const at = isThanked
      ? TURNS.length - 1
      : TURNS.findIndex((_, index) => results <= TURNS.slice(0, index).flatMap(({ cities }) => cities).length);
    const turn = TURNS[at]!;
    const states = vendor.statesIn(body);
    if (JSON.stringify(states) !== JSON.stringify(dueStates(at))) {
      const message = `turn ${turn.number} has the states ${JSON.stringify(states)}`;
      return { status: 400, body: { type: "error", error: { type: "invalid_request_error", message, code: 400 } } };
    }
    if (!vendor.isStream(path, body)) return { body: vendor.whole(turn) };
    return { stream: true, body: vendor.events(turn).map(eventText).join("") };
  });
}

function eventText([name, data]: readonly [string | undefined, unknown]): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${text}\n\n`;
}
