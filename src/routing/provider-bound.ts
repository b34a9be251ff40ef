import { Role, type ChatRequest, type Message, type Part } from "../contract/index.ts";

// What a provider stores is known to that provider alone. Dialects leave out, with an Adaptation, what a model wants back
// for itself (signatures, reasoning, its own blocks); planning keeps out targets that a named file does not belong to.
// What the request names without telling whose it is belongs to the provider that was asked, and stays there.

/**
 * The path of what in the request is stored at another provider than `to`, or undefined where nothing is. What does not
 * tell its provider belongs to `from`, the provider of the attempt that broke.
 */
export function boundField(request: ChatRequest, from: string, to: string): string | undefined {
  for (const [index, message] of request.messages.entries()) {
    const field = boundPart(message.parts, `messages[${index}].parts`, { message, from, to });
    if (field !== undefined) return field;
  }
  if (from === to) return undefined;
  for (const [index, { kind }] of request.tools.entries()) {
    if (kind.case === "native" && namesStored(kind.value.definitionJson)) return `tools[${index}].native`;
  }
  for (const [index, params] of request.rawParams.entries()) {
    // Parameters for one provider by its name are the caller's own choice, and go to no other one.
    if (!params.provider && namesStored(params.json)) return `raw_params[${index}]`;
  }
  return undefined;
}

interface Move {
  readonly message: Message;
  readonly from: string;
  readonly to: string;
}

function boundPart(parts: readonly Part[], path: string, move: Move): string | undefined {
  const { from, to } = move;
  const maker = move.message.origin?.provider;
  const isAnswer = move.message.role === Role.ASSISTANT;
  for (const [index, { kind }] of parts.entries()) {
    const field = `${path}[${index}]`;
    if (kind.case === "media") {
      const { source, generatedId } = kind.value;
      if (source.case === "file" && (source.value.provider || maker || from) !== to) return `${field}.media.file`;
      if (isAnswer && generatedId !== undefined && !maker && from !== to) return `${field}.media.generated_id`;
    } else if (kind.case === "toolResult") {
      const inner = boundPart(kind.value.content, `${field}.tool_result.content`, move);
      if (inner !== undefined) return inner;
    } else if (kind.case === "opaque" && !isAnswer && (kind.value.origin?.provider || from) !== to) {
      return `${field}.opaque`;
    }
  }
  return undefined;
}

// Members by which wire formats name what is stored at the provider; in lower case, without separators.
const STORED: ReadonlySet<string> = new Set([
  "cachedcontent",
  "container",
  "containerid",
  "conversation",
  "conversationid",
  "datastore",
  "fileid",
  "fileids",
  "filesearchstorenames",
  "fileuri",
  "knowledgebaseid",
  "libraryids",
  "previousresponseid",
  "prompt",
  "ragcorpus",
  "threadid",
  "vectorstoreid",
  "vectorstoreids",
]);

/** Whether JSON text names something stored at a provider, at any depth. What cannot be read may. */
function namesStored(json: string): boolean {
  if (json === "") return false;
  let found = false;
  try {
    JSON.parse(json, (name, value: unknown) => {
      found ||= isName(value) && STORED.has(name.toLowerCase().replace(/[_-]/g, ""));
      return value;
    });
  } catch {
    return true;
  }
  return found;
}

// An id, a list of them, or an object that has one: `"container": {"type": "auto"}` asks for a new one.
function isName(value: unknown): boolean {
  if (typeof value === "string") return value !== "";
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && value !== null && "id" in value;
}
