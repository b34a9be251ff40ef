import type { Message } from "../../contract/index.ts";
import type { EncodeContext } from "./encode-context.ts";

// Names that OpenAI takes, and everybody else with it.
const PARTICIPANT_NAME = /^[^\s<|\\/>]{1,64}$/;

const NINE_CHARS = /^[a-zA-Z0-9]{9}$/;

/** Ids of tool calls as they go out: one that the provider does not take gets another one for this request. */
export class CallIds {
  readonly #context: EncodeContext;
  readonly #renamed = new Map<string, string>();

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The id on the wire of the call with this id. */
  wire(id: string, field: string): string {
    const { rules, adaptations } = this.#context;
    if (rules.settings.nine_char_call_ids) return this.#nineChars(id, field);
    if (id.length <= rules.settings.max_call_id_chars) return id;
    let short = this.#renamed.get(id);
    if (short === undefined) this.#renamed.set(id, (short = `renamed_call_${this.#renamed.size}`));
    const reason = `the provider takes ids of at most ${rules.settings.max_call_id_chars} characters; it got a short one`;
    adaptations.addPart(`${field}.call_id`, undefined, reason, rules.quirkOf.get("max_call_id_chars"));
    return short;
  }

  // Numbered in the order of the conversation, so that an id stays the same in later turns, as caches want it.
  #nineChars(id: string, field: string): string {
    if (NINE_CHARS.test(id)) return id;
    let made = this.#renamed.get(id);
    if (made === undefined) {
      this.#renamed.set(id, (made = `call${this.#renamed.size.toString(36).padStart(5, "0")}`));
    }
    const { rules, adaptations } = this.#context;
    const reason = "the provider takes ids of nine letters and digits; it got one";
    adaptations.addPart(`${field}.call_id`, undefined, reason, rules.quirkOf.get("nine_char_call_ids"));
    return made;
  }
}

/** The participant's name, where the wire takes it. */
export function participantName(context: EncodeContext, message: Message, field: string): string | undefined {
  if (message.name === undefined) return undefined;
  const refusal = context.rules.refusal("messages.name");
  if (refusal) {
    context.adaptations.addPart(`${field}.name`, undefined, `names are left out: ${refusal.reason}`, refusal.quirkId);
    return undefined;
  }
  if (PARTICIPANT_NAME.test(message.name)) return message.name;
  const reason = "the wire format takes names of 1 to 64 characters without spaces and brackets";
  context.adaptations.addPart(`${field}.name`, undefined, reason);
  return undefined;
}
