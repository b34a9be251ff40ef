import { ParleyError } from "../../errors/index.ts";
import { RawJson, jsonText } from "../json-text.ts";
import { scalarOf, type JsonObjectTree, type JsonTree } from "../json-tree.ts";

const MAX_STEPS = 64;

type Step = string | number;

interface OpenText {
  readonly steps: readonly Step[];
  text: string;
  /** Whether more of it follows. */
  open: boolean;
}

/** Arguments of a call that come as patches, each with the path of a value. */
export class PartialArguments {
  readonly #root: JsonObjectTree = new Map();
  readonly #texts = new Map<string, OpenText>();

  /** Takes a patch in. Throws `PROVIDER_BAD_OUTPUT` for one that cannot be applied. */
  take(patch: JsonObjectTree): void {
    const path = scalarOf(patch.get("jsonPath"));
    if (typeof path !== "string") throw broken("without a path");
    const text = scalarOf(patch.get("stringValue"));
    if (typeof text === "string") this.#takeText(path, text, scalarOf(patch.get("willContinue")) === true);
    else {
      const value = patch.get("numberValue") ?? patch.get("boolValue");
      if (value instanceof RawJson) this.#set(stepsOf(path), value);
      else if (patch.has("nullValue")) this.#set(stepsOf(path), new RawJson("null"));
      else throw broken("without a value");
    }
  }

  /** The arguments as JSON text. `whole`: the call has ended; else the text is left unfinished, as the call is. */
  json(whole: boolean): string {
    for (const { steps, text } of this.#texts.values()) this.#set(steps, new RawJson(JSON.stringify(text)));
    const json = jsonText(this.#root);
    return whole ? json : json.slice(0, -1);
  }

  #takeText(path: string, text: string, open: boolean): void {
    const before = this.#texts.get(path);
    if (before?.open) {
      before.text += text;
      before.open = open;
      return;
    }
    const steps = before?.steps ?? stepsOf(path);
    // Its place among the other members is taken now, its value at the end.
    this.#set(steps, new RawJson('""'));
    this.#texts.set(path, { steps, text, open });
  }

  #set(steps: readonly Step[], value: JsonTree): void {
    let at: JsonTree = this.#root;
    for (const [index, step] of steps.entries()) {
      const next = steps[index + 1];
      if (next === undefined) put(at, step, value);
      else {
        const inner: JsonTree = get(at, step) ?? (typeof next === "number" ? [] : new Map<string, JsonTree>());
        put(at, step, inner);
        at = inner;
      }
    }
  }
}

function get(at: JsonTree, step: Step): JsonTree | undefined {
  if (at instanceof Map && typeof step === "string") return at.get(step);
  return Array.isArray(at) && typeof step === "number" ? at[step] : undefined;
}

function put(at: JsonTree, step: Step, value: JsonTree): void {
  if (at instanceof Map && typeof step === "string") at.set(step, value);
  else if (Array.isArray(at) && typeof step === "number" && step <= at.length) at[step] = value;
  else throw broken("for a place that does not exist");
}

const STEP = /\.([^.[\]'"]+)|\[(\d{1,6})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

function stepsOf(path: string): Step[] {
  const steps: Step[] = [];
  if (!path.startsWith("$")) throw broken("with a path that cannot be read");
  for (let at = 1; at < path.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const found = STEP.exec(path);
    if (!found || steps.length >= MAX_STEPS) throw broken("with a path that cannot be read");
    const [, name, index, single, double] = found;
    if (index === undefined) steps.push((name ?? single ?? double ?? "").replaceAll(/\\(.)/g, "$1"));
    else steps.push(Number(index));
  }
  if (steps.length === 0) throw broken("with a path that cannot be read");
  return steps;
}

function broken(how: string): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the answer: a tool call has a piece of arguments ${how}`);
}
