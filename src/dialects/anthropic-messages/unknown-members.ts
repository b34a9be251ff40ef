import { wordSet, type Drift } from "../drift.ts";
import type { ReceivedEvent, ReceivedMessage, ReceivedUsage } from "./wire.ts";

// Members that are documented somewhere or that recordings show. A new one is counted as drift, once per answer.
const MESSAGE = wordSet(`id type role model content stop_reason stop_sequence stop_details usage container
  context_management diagnostics provider request_id workspace_id`);
const ENDING = wordSet("stop_reason stop_sequence stop_details container");
const DETAILS = wordSet("type category explanation recommended_model fallback_credit_token");
const USAGE = wordSet(`input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens cache_creation
  output_tokens_details server_tool_use service_tier inference_geo speed iterations fallback_credit cost cost_details
  is_byok`);
const EVENTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ["message_start", wordSet("type message")],
  ["content_block_start", wordSet("type index content_block")],
  ["content_block_delta", wordSet("type index delta")],
  ["content_block_stop", wordSet("type index")],
  ["message_delta", wordSet("type delta usage context_management")],
  ["message_stop", wordSet("type")],
  ["ping", wordSet("type")],
]);

/** Tells of members of a message, whole or at its beginning, that this codec does not know. */
export function checkMessage(message: ReceivedMessage, drift: Drift): void {
  drift.members(message, MESSAGE, "message.");
  checkUsage(message.usage, drift);
  drift.members(message.stop_details, DETAILS, "message.stop_details.");
}

/** Tells of members of the end of a streamed message that this codec does not know. */
export function checkEnding({ delta, usage }: ReceivedEvent, drift: Drift): void {
  drift.members(delta, ENDING, "message_delta.delta.");
  drift.members(delta?.stop_details, DETAILS, "message.stop_details.");
  checkUsage(usage, drift);
}

/** Tells of an event, or of members of one, that this codec does not know. */
export function checkEvent(type: string, event: ReceivedEvent, drift: Drift): void {
  const known = EVENTS.get(type);
  if (known) drift.members(event, known, `${type}.`);
  else drift.note(`event=${type}`);
}

function checkUsage(usage: ReceivedUsage | null | undefined, drift: Drift): void {
  drift.members(usage, USAGE, "usage.");
}
