import type { EncodeContext, WireObject } from "./encode-context.ts";

/** One turn on the wire. */
export interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly content: WireObject[];
}

// What comes between two answers of the model.
type Item =
  | { readonly kind: "user"; readonly results: readonly WireObject[]; readonly others: readonly WireObject[] }
  | { readonly kind: "instructions"; readonly blocks: readonly WireObject[]; readonly field: string };

/**
 * The turns of a conversation. The results of all calls of a turn stand together at the beginning of the user turn that
 * follows it; instructions stand after a user turn and before an answer, or become text of the user.
 */
export class WireTurns {
  readonly #context: EncodeContext;
  readonly #turns: Turn[] = [];
  #run: Item[] = [];

  constructor(context: EncodeContext) {
    this.#context = context;
  }

  /** Adds an answer of the model, unless nothing of it can be sent. */
  addAssistant(content: WireObject[]): void {
    if (content.length === 0) return;
    this.#flush();
    this.#turns.push({ role: "assistant", content });
  }

  /** Adds what a user says, and the results of tools. */
  addUser(results: readonly WireObject[], others: readonly WireObject[]): void {
    if (results.length + others.length > 0) this.#run.push({ kind: "user", results, others });
  }

  /** Adds instructions within the conversation. `field` is the path of their role in the request. */
  addInstructions(blocks: readonly WireObject[], field: string): void {
    if (blocks.length > 0) this.#run.push({ kind: "instructions", blocks, field });
  }

  /** The turns; an answer of the model comes next. */
  finish(): readonly Turn[] {
    this.#flush();
    return this.#turns;
  }

  #flush(): void {
    const run = this.#run;
    this.#run = [];
    const users = run.filter((item) => item.kind === "user");
    const end = run.findLastIndex(({ kind }) => kind === "user") + 1;
    // After a user turn and right before an answer, instructions may be a turn of their own.
    const keepsLast = end > 0 && this.#context.rules.settings.system_in_messages;
    const spoken = keepsLast ? run.slice(0, end) : run;
    const isPlain = spoken.length === users.length && users.every(({ results }) => results.length === 0);
    if (isPlain) for (const { others } of users) this.#turns.push({ role: "user", content: [...others] });
    else {
      const results = users.flatMap((item) => item.results);
      const others = spoken.flatMap((item) => (item.kind === "user" ? item.others : this.#wrapped(item)));
      this.#turns.push({ role: "user", content: [...results, ...others] });
    }
    const system = keepsLast ? run.slice(end).flatMap((item) => (item.kind === "instructions" ? item.blocks : [])) : [];
    if (system.length > 0) this.#turns.push({ role: "system", content: system });
  }

  // The marks around the text tell the model whose words they are.
  #wrapped({
    blocks,
    field,
  }: {
    readonly blocks: readonly WireObject[];
    readonly field: string;
  }): readonly WireObject[] {
    const reason = "the model takes instructions at the beginning only; they stand in their place as text of the user";
    this.#context.adaptations.addPart(field, "user", reason);
    for (const block of blocks) {
      if (typeof block["text"] === "string") block["text"] = `<system>\n${block["text"]}\n</system>`;
    }
    return blocks;
  }
}
