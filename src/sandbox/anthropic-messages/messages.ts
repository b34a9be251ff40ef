import type { ContentParam, MessageParam, MessagesRequest } from "../../dialects/anthropic-messages/wire.ts";
import { isSealOf } from "../seal.ts";
import { refuse } from "./errors.ts";

// Rules about turns that no shape tells. Source: https://platform.claude.com/docs/en/api/messages, and
// https://platform.claude.com/docs/en/build-with-claude/extended-thinking.

const MOST_CACHE_MARKS = 4;

/** The blocks of a turn. */
export function blocksOf({ content }: MessageParam): readonly ContentParam[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** Refuses conversations that the API would refuse. */
export function checkMessages(request: MessagesRequest): void {
  const { messages } = request;
  if (messages.length === 0) refuse("messages: at least one message is required");
  messages.forEach((message, index) => checkTurn(message, index, index === messages.length - 1));
  checkToolTurns(messages);
  checkThinkingTurn(request);
  checkCacheMarks(request);
  const last = messages.at(-1)!;
  const end = blocksOf(last).at(-1);
  if (last.role === "assistant" && end?.type === "text" && end.text !== end.text.trimEnd()) {
    refuse("messages: final assistant content cannot end with trailing whitespace");
  }
}

function checkTurn(message: MessageParam, index: number, isLast: boolean): void {
  const blocks = blocksOf(message);
  if (blocks.length === 0 && !(isLast && message.role === "assistant")) {
    const exception = "except for the optional final assistant message";
    refuse(`messages.${index}: all messages must have non-empty content ${exception}`);
  }
  blocks.forEach((block, at) => {
    const path = `messages.${index}.content.${at}`;
    if (block.type === "text" && block.text === "") refuse("messages: text content blocks must be non-empty");
    if (block.type === "thinking" && !isSealOf(block.signature, block.thinking)) {
      refuse(`${path}: Invalid \`signature\` in \`thinking\` block`);
    }
    if (block.type === "redacted_thinking" && !isSealOf(block.data, "redacted")) {
      refuse(`${path}: Invalid \`data\` in \`redacted_thinking\` block`);
    }
    const isOfAssistant = ["thinking", "redacted_thinking", "tool_use"].includes(block.type);
    if (isOfAssistant && message.role !== "assistant") {
      refuse(`messages.${index}: \`${block.type}\` blocks can only be in \`assistant\` messages`);
    }
    if (block.type === "tool_result" && message.role !== "user") {
      refuse(`messages.${index}: \`tool_result\` blocks can only be in \`user\` messages`);
    }
  });
}

function checkToolTurns(messages: readonly MessageParam[]): void {
  messages.forEach((message, index) => {
    const calls = callIds(message);
    const next = messages[index + 1];
    const answered = new Set((next ? blocksOf(next) : []).flatMap((block) => resultIds(block)));
    const missing = calls.filter((id) => !answered.has(id));
    if (missing.length > 0 && next) {
      refuse(
        `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
          `${missing.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    }
    const before = new Set(index === 0 ? [] : callIds(messages[index - 1]!));
    blocksOf(message).forEach((block, at) => {
      for (const id of resultIds(block)) {
        if (before.has(id)) continue;
        refuse(
          `messages.${index}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each ` +
            "`tool_result` block must have a corresponding `tool_use` block in the previous message.",
        );
      }
    });
  });
}

function callIds(message: MessageParam): string[] {
  return blocksOf(message).flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
}

function resultIds(block: ContentParam): string[] {
  return block.type === "tool_result" ? [block.tool_use_id] : [];
}

// With a budget of thinking, the turn whose calls are being answered begins with what was thought.
function checkThinkingTurn({ messages, thinking }: MessagesRequest): void {
  if (thinking?.type !== "enabled") return;
  const index = messages.findLastIndex(({ role }) => role === "assistant");
  const turn = messages[index];
  if (!turn || callIds(turn).length === 0) return;
  const first = blocksOf(turn)[0]?.type ?? "nothing";
  if (first === "thinking" || first === "redacted_thinking") return;
  refuse(
    `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When ` +
      "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost " +
      "set of `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`.",
  );
}

function checkCacheMarks({ messages, system, tools }: MessagesRequest): void {
  const places: unknown[] = [...(tools ?? []), ...(Array.isArray(system) ? system : []), ...messages.flatMap(blocksOf)];
  const marks = places.filter((place) => Boolean((place as { cache_control?: unknown }).cache_control)).length;
  if (marks > MOST_CACHE_MARKS) {
    refuse(`A maximum of ${MOST_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks}.`);
  }
}
