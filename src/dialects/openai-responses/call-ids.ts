import type { EncodeContext } from "./encode-context.ts";

/** Ids of tool calls as they go out: one that is too long for the provider gets a short one for this request. */
export class CallIds {
  readonly #context: EncodeContext;
  readonly #renamed = new Map<string, string>();

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The id on the wire of the call with this id. */
  wire(id: string, field: string): string {
    const { rules, adaptations } = this.#context;
    if (id.length <= rules.settings.max_call_id_chars) return id;
    let short = this.#renamed.get(id);
    if (short === undefined) this.#renamed.set(id, (short = `renamed_call_${this.#renamed.size}`));
    const reason = `the provider takes ids of at most ${rules.settings.max_call_id_chars} characters; it got a short one`;
    adaptations.addPart(`${field}.call_id`, undefined, reason, rules.quirkOf.get("max_call_id_chars"));
    return short;
  }
}
