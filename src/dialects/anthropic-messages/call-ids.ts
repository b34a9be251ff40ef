import type { EncodeContext } from "./encode-context.ts";

const PLAIN_ID = /^[a-zA-Z0-9_-]+$/;
const PLAIN_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** Whether a tool may have this name. */
export function isPlainName(name: string): boolean {
  return PLAIN_NAME.test(name);
}

/** Ids of tool calls as they go out: one of other characters than the provider takes gets a new one for this request. */
export class CallIds {
  readonly #context: EncodeContext;
  readonly #renamed = new Map<string, string>();

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** The id on the wire of the call with this id. */
  wire(id: string, field: string): string {
    if (PLAIN_ID.test(id)) return id;
    let plain = this.#renamed.get(id);
    if (plain === undefined) this.#renamed.set(id, (plain = `renamed_call_${this.#renamed.size}`));
    const reason = "the provider takes ids of letters, digits, underscores and hyphens; it got another one";
    this.#context.adaptations.addPart(`${field}.call_id`, undefined, reason);
    return plain;
  }

  /** The name on the wire of a tool that an earlier turn called. */
  name(name: string, field: string): string {
    if (isPlainName(name)) return name;
    const reason = "the provider takes names of 1 to 128 letters, digits, underscores and hyphens";
    this.#context.adaptations.addPart(`${field}.name`, undefined, reason);
    return name.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 128) || "tool";
  }
}
