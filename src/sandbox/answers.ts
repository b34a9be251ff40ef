import { type Answer, answerOf, type AnswerPart, type Finish, truncate, withUsage } from "./answer.ts";
import type { Ask, AskedTool } from "./ask.ts";
import { ANSWER, both, type ModelRow, type Question } from "./model-row.ts";
import { instanceOf } from "./schema-instance.ts";
import { storyTokens } from "./story.ts";
import { splitFragments, splitTokens } from "./tokens.ts";

type Row = Omit<ModelRow, "group" | "expected" | "settings" | "play"> &
  Partial<Pick<ModelRow, "settings" | "expected" | "play">>;

const rows: readonly Row[] = [
  {
    name: "echo",
    summary: "Answers with the last user text.",
    unary: "The text, whole.",
    stream: "The text, word by word.",
    answer: ({ ask }) => answerOf(ask, [tell(ask, splitTokens(ask.lastUserText))]),
  },
  {
    name: "story",
    summary:
      "Tells a story whose tokens are numbered, so that a lost, repeated or reordered one shows; goes on behind the beginning that a last message of the assistant holds.",
    unary: "The story, whole.",
    stream: "The story, token by token.",
    settings: { tokens: 60 },
    answer: ({ ask, settings }) => answerOf(ask, [tell(ask, storyTokens(settings.tokens))]),
  },
  {
    name: "no-prefill",
    summary: "Tells the story, but refuses to continue an answer that has begun.",
    unary: "The story, whole; 400 where the conversation ends with a message of the assistant.",
    stream: "The same, token by token.",
    settings: { tokens: 60 },
    answer: ({ ask, settings }) => answerOf(ask, [{ kind: "text", tokens: storyTokens(settings.tokens) }]),
    play: (exchange) => (exchange.ask.prefill === undefined ? exchange.good() : exchange.failure("prefill_refused")),
  },
  {
    name: "tools",
    summary:
      "Calls the first declared tool, or the first two where parallel calls are allowed; answers once it has the result.",
    unary:
      "Tool calls whose arguments are an instance of the tool's schema; after a tool result a text that quotes it.",
    stream: "The same, the arguments in fragments of 8 characters.",
    settings: { interleave: 0 },
    answer: callTools,
  },
  {
    name: "json",
    summary: "Answers with an instance of the asked JSON schema.",
    unary: "The JSON text; without a schema an object that holds the last user text.",
    stream: "The same in fragments.",
    answer: ({ ask }) => answerOf(ask, [{ kind: "text", tokens: splitFragments(JSON.stringify(jsonFor(ask))) }]),
  },
  {
    name: "think",
    summary:
      "Reasons, then calls the first declared tool, or answers with the last user text. Where the wire format signs or encrypts reasoning, it must come back as it was.",
    unary: "Reasoning beside the answer; usage counts it.",
    stream: "Reasoning first, then the answer.",
    answer: think,
  },
  {
    name: "refuse",
    summary: "Refuses.",
    unary: "A refusal in place of content, finish reason stop.",
    stream: "The refusal, word by word.",
    answer: ({ ask }) =>
      answerOf(ask, [{ kind: "refusal", tokens: splitTokens("I'm sorry, I can't help with that.") }]),
  },
  {
    name: "filter",
    summary: "Is stopped by its own content filter after the first tokens of the story.",
    unary: "20 tokens, finish reason content_filter.",
    stream: "The same, token by token.",
    settings: { after: 20, tokens: 60 },
    answer: (question) => cutStory(question, "content_filter"),
  },
  {
    name: "length",
    summary: "Reaches its output limit in the middle of the story.",
    unary: "40 tokens, finish reason length.",
    stream: "The same, token by token.",
    settings: { after: 40, tokens: 60 },
    answer: (question) => cutStory(question, "length"),
  },
];

/** The models that answer. */
export const ANSWERS: readonly ModelRow[] = rows.map((row) => ({
  group: "answer",
  expected: both(ANSWER),
  settings: {},
  play: (exchange) => exchange.good(),
  ...row,
}));

// A model that is handed the beginning of its answer goes on behind it.
function tell(ask: Ask, tokens: readonly string[]): AnswerPart {
  const whole = tokens.join("");
  if (!ask.prefill || !whole.startsWith(ask.prefill)) return { kind: "text", tokens };
  return text(whole.slice(ask.prefill.length));
}

function cutStory({ ask, settings }: Question, finish: Finish): Answer {
  const whole = answerOf(ask, [tell(ask, storyTokens(settings.tokens))]);
  const candidates = whole.candidates.map((candidate) => truncate(candidate, settings.after, finish));
  return withUsage({ ...whole, candidates }, ask.inputTokens);
}

function think(question: Question): Answer {
  const { ask } = question;
  const calls = ask.tools.length > 0 && ask.toolChoice !== "none" && ask.toolResults.length === 0;
  const said = ask.toolResults.length > 0 ? toolsAnswered(ask) : tell(ask, splitTokens(ask.lastUserText));
  const parts = calls ? callTools(question).candidates[0]!.parts : [said];
  const finish = parts.some(({ kind }) => kind === "tool_call") ? "tool_calls" : "stop";
  return answerOf(ask, ask.reasons ? [reasoning(ask), ...parts] : parts, finish);
}

function reasoning(ask: Ask): AnswerPart {
  const words = splitTokens(ask.lastUserText).length;
  return { kind: "reasoning", tokens: splitTokens(`The user wrote ${words} words. I shall repeat them as they are.`) };
}

function jsonFor(ask: Ask): unknown {
  return ask.output.kind === "json_schema" ? instanceOf(ask.output.schema) : { answer: ask.lastUserText };
}

/** Calls of the declared tools, or a text that quotes their results. */
export function callTools(question: Question): Answer {
  const { ask, settings } = question;
  if (ask.toolResults.length > 0) return answerOf(ask, [toolsAnswered(ask)]);
  const tools = calledTools(ask);
  if (tools.length === 0) return answerOf(ask, [text("There is no tool to call.")]);
  const calls = tools.map((tool) => callOf(tool, question.newId()));
  return answerOf(ask, calls, "tool_calls", settings.interleave === 1);
}

function toolsAnswered(ask: Ask): AnswerPart {
  return text(`The tool answered: ${ask.toolResults.join(" | ")}`);
}

function calledTools(ask: Ask): readonly AskedTool[] {
  const { toolChoice } = ask;
  if (toolChoice === "none") return [];
  if (typeof toolChoice === "object") return ask.tools.filter((tool) => tool.name === toolChoice.name);
  return ask.tools.slice(0, ask.parallelToolCalls ? 2 : 1);
}

function callOf(tool: AskedTool, id: string): AnswerPart {
  const input = tool.freeText
    ? "free text for the tool"
    : JSON.stringify(instanceOf(tool.schema ?? { type: "object" }));
  return { kind: "tool_call", id, name: tool.name, freeText: tool.freeText, tokens: splitFragments(input) };
}

function text(words: string): AnswerPart {
  return { kind: "text", tokens: splitTokens(words) };
}
