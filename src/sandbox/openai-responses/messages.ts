import type { InputItem } from "../../dialects/openai-responses/wire.ts";
import { refuse } from "../openai-service/errors.ts";
import { isSealOf, seal } from "../seal.ts";

// Rules about items that no shape tells. Source: https://platform.openai.com/docs/guides/reasoning,
// https://platform.openai.com/docs/guides/function-calling, and the words of recorded answers.

type Item = InputItem & { readonly id?: string | null | undefined };

const OUTPUTS = ["function_call_output", "custom_tool_call_output"];
const CALLS = ["function_call", "custom_tool_call"];

// Like Fernet's, which begin with a version and the time.
const ENCRYPTED_PREFIX = "gAAAAAB";
const ID_LENGTH = 24;

/** What only the provider can read: the reasoning of the answer with this id. */
export function encryptedReasoning(id: string): string {
  return `${ENCRYPTED_PREFIX}${id}${seal(id)}`;
}

function isEncryptedReasoning(text: string): boolean {
  const id = text.slice(ENCRYPTED_PREFIX.length, ENCRYPTED_PREFIX.length + ID_LENGTH);
  return text.startsWith(ENCRYPTED_PREFIX) && isSealOf(text.slice(ENCRYPTED_PREFIX.length + ID_LENGTH), id);
}

/** Id of an item of the answer; those that stand behind reasoning are marked, since they are not taken without it. */
export function itemId(prefix: string, answerId: string, index: number, followsReasoning: boolean): string {
  return `${prefix}_${answerId}${followsReasoning ? "f" : "0"}${index.toString(16).padStart(3, "0")}`;
}

/** Refuses input that the API would refuse. */
export function checkItems(items: readonly Item[]): void {
  if (items.length === 0) {
    const words = "Expected an array with minimum length 1, but got an empty array instead.";
    refuse("empty_array", "input", `Invalid 'input': empty array. ${words}`);
  }
  items.forEach((item, index) => {
    if (item.type === "item_reference") refuseLost(String(item.id));
    if (item.type === "reasoning") checkReasoning(item, items[index + 1]);
    else checkFollower(item, items[index - 1], items);
  });
  checkCalls(items);
}

function checkReasoning(item: Item, next: Item | undefined): void {
  const { id, encrypted_content: encrypted } = item as { id?: string; encrypted_content?: string | null };
  if (encrypted === undefined || encrypted === null) refuseLost(id ?? "");
  if (!isEncryptedReasoning(encrypted)) {
    const shown = `${encrypted.slice(0, 4)}...${encrypted.slice(-4)}`;
    const reason = "Reason: Encrypted content could not be decrypted or parsed.";
    refuse("invalid_encrypted_content", null, `The encrypted content ${shown} could not be verified. ${reason}`);
  }
  const role = (next as { role?: string } | undefined)?.role ?? "assistant";
  if (next && role === "assistant" && !OUTPUTS.includes(next.type ?? "")) return;
  const words = "of type 'reasoning' was provided without its required following item.";
  refuse(null, "input", `Item '${id ?? "rs_"}' ${words}`);
}

// Without an id nothing tells that there was reasoning before it.
function checkFollower(item: Item, before: Item | undefined, items: readonly Item[]): void {
  const { id, type } = item;
  if (typeof id !== "string" || !/^[a-z]+_[0-9a-f]{24}f[0-9a-f]{3}$/.test(id)) return;
  if (
    before?.type === "reasoning" ||
    (CALLS.includes(before?.type ?? "") && items.some((one) => one.type === "reasoning"))
  )
    return;
  const reasoning = `rs_${id.slice(id.indexOf("_") + 1, -4)}0000`;
  const words = `of type '${type ?? "message"}' was provided without its required 'reasoning' item: '${reasoning}'.`;
  refuse(null, "input", `Item '${id}' ${words}`);
}

function refuseLost(id: string): never {
  const advice = "Try again with `store` set to true, or remove this item from your input.";
  const words = `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. ${advice}`;
  refuse(null, "input", words, 404);
}

function checkCalls(items: readonly Item[]): void {
  const idOf = (item: Item) => (item as { call_id?: string }).call_id ?? "";
  const made = new Set(items.filter(({ type }) => CALLS.includes(type ?? "")).map(idOf));
  const answered = new Set(items.filter(({ type }) => OUTPUTS.includes(type ?? "")).map(idOf));
  for (const id of answered) {
    if (!made.has(id)) refuse(null, "input", `No tool call found for function call output with call_id ${id}.`);
  }
  for (const id of made) {
    if (!answered.has(id)) refuse(null, "input", `No tool output found for function call ${id}.`);
  }
}
