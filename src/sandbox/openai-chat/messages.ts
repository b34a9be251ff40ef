import type { ChatCompletionMessageParam } from "../../dialects/openai-chat/wire.ts";
import { refuse } from "../openai-service/errors.ts";
import { describe, refuseType } from "./parameters.ts";

// What the messages of a request must look like. Source: https://platform.openai.com/docs/api-reference/chat/create.
// The reasoning members and `prefix` are extensions of compatible vendors; this upstream takes them back.

type Member = Readonly<Record<string, unknown>>;

const shared = ["role", "content", "name"];
const MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["system", shared],
  ["developer", shared],
  ["user", shared],
  [
    "assistant",
    [...shared, "refusal", "tool_calls", "function_call", "audio", "annotations", "prefix"].concat([
      "reasoning_content",
      "reasoning",
      "reasoning_details",
    ]),
  ],
  ["tool", [...shared, "tool_call_id"]],
  ["function", shared],
]);

const PARTS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["system", ["text"]],
  ["developer", ["text"]],
  ["user", ["text", "image_url", "input_audio", "file", "video_url"]],
  ["assistant", ["text", "refusal"]],
  ["tool", ["text"]],
]);

/** Refuses messages that the API would refuse. */
export function checkMessages(messages: unknown): asserts messages is ChatCompletionMessageParam[] {
  if (!Array.isArray(messages)) refuseType("messages", "an array of objects", messages);
  if (messages.length === 0) {
    const lengths = "Expected an array with minimum length 1, but got an empty array instead.";
    refuse("empty_array", "messages", `Invalid 'messages': empty array. ${lengths}`);
  }
  messages.forEach((message: unknown, index) => checkMessage(message, `messages[${index}]`));
  checkToolTurns(messages as ChatCompletionMessageParam[]);
}

function checkMessage(message: unknown, path: string): void {
  if (!isObject(message)) refuseType(path, "an object", message);
  const role = message["role"];
  if (role === undefined)
    refuse("missing_required_parameter", `${path}.role`, `Missing required parameter: '${path}.role'.`);
  const members = MEMBERS.get(role);
  if (!members) {
    const roles = [...MEMBERS.keys()].join("', '");
    refuse(
      "invalid_value",
      `${path}.role`,
      `Invalid value: ${JSON.stringify(role)}. Supported values are: '${roles}'.`,
    );
  }
  for (const name of Object.keys(message)) {
    if (!members.includes(name))
      refuse("unknown_parameter", `${path}.${name}`, `Unknown parameter: '${path}.${name}'.`);
  }
  checkContent(message, role, path);
  if (role === "tool" && typeof message["tool_call_id"] !== "string") {
    refuse("missing_required_parameter", `${path}.tool_call_id`, `Missing required parameter: '${path}.tool_call_id'.`);
  }
  if (message["tool_calls"] !== undefined && message["tool_calls"] !== null)
    checkToolCalls(message["tool_calls"], path);
}

function checkContent(message: Member, role: unknown, path: string): void {
  const content = message["content"];
  if (content === undefined || content === null) {
    const otherwise = ["tool_calls", "function_call", "refusal", "audio"].some((name) => Boolean(message[name]));
    if ((role === "assistant" && otherwise) || (role === "function" && content === null)) return;
    const got = describe(content ?? null);
    refuse("invalid_type", `${path}.content`, `Invalid value for 'content': expected a string, got ${got}.`);
  }
  if (typeof content === "string") return;
  if (!Array.isArray(content)) refuseType(`${path}.content`, "one of a string or array of objects", content);
  const allowed = PARTS.get(role) ?? [];
  content.forEach((part: unknown, index) => checkPart(part, allowed, `${path}.content[${index}]`));
}

function checkPart(part: unknown, allowed: readonly string[], path: string): void {
  if (!isObject(part)) refuseType(path, "an object", part);
  const type = part["type"];
  if (typeof type !== "string" || !allowed.includes(type)) {
    const words = allowed.join("', '");
    refuse("invalid_value", path, `Invalid value: '${String(type)}'. Supported values are: '${words}'.`);
  }
  const payload = part[type];
  const expected = type === "text" || type === "refusal" ? "string" : "object";
  if (typeof payload !== expected || payload === null) refuseType(`${path}.${type}`, `a ${expected}`, payload ?? null);
}

function checkToolCalls(calls: unknown, path: string): void {
  if (!Array.isArray(calls)) refuseType(`${path}.tool_calls`, "an array of objects", calls);
  if (calls.length === 0) {
    const lengths = "Expected an array with minimum length 1, but got an empty array instead.";
    refuse("empty_array", `${path}.tool_calls`, `Invalid '${path}.tool_calls': empty array. ${lengths}`);
  }
  calls.forEach((call: unknown, index) => checkToolCall(call, `${path}.tool_calls[${index}]`));
}

function checkToolCall(call: unknown, path: string): void {
  if (!isObject(call)) refuseType(path, "an object", call);
  if (typeof call["id"] !== "string") refuseType(`${path}.id`, "a string", call["id"] ?? null);
  const kind = call["type"];
  if (kind !== "function" && kind !== "custom") {
    refuse(
      "invalid_value",
      `${path}.type`,
      `Invalid value: '${String(kind)}'. Supported values are: 'function', 'custom'.`,
    );
  }
  const body = call[kind];
  const input = kind === "function" ? "arguments" : "input";
  if (!isObject(body)) refuseType(`${path}.${kind}`, "an object", body ?? null);
  for (const name of ["name", input]) {
    if (typeof body[name] !== "string") refuseType(`${path}.${kind}.${name}`, "a string", body[name] ?? null);
  }
}

// Each call is answered at once, and nothing is answered that was not called.
function checkToolTurns(messages: readonly ChatCompletionMessageParam[]): void {
  let open = new Set<string>();
  messages.forEach((message, index) => {
    if (message.role === "tool") {
      if (open.delete(message.tool_call_id)) return;
      const words = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
      refuse(null, `messages.[${index}].role`, `Invalid parameter: ${words}`);
    }
    refuseUnanswered(open);
    open = new Set(message.role === "assistant" ? (message.tool_calls ?? []).map((call) => call.id) : []);
  });
  refuseUnanswered(open);
}

function refuseUnanswered(open: ReadonlySet<string>): void {
  if (open.size === 0) return;
  const words =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
  const missing = [...open].join(", ");
  refuse(null, "messages", `${words} The following tool_call_ids did not have response messages: ${missing}`);
}

function isObject(value: unknown): value is Member {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
