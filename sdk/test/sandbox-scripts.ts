// The sandbox's models as far as the SDK's README and example use them, so that both run without the gateway.
import { ErrorReason, FinishReason, type ChatRequest, type StreamEvent } from "../src/index.ts";
import { answer, completed, finished, numbered, origin, started, toolBlock, type EventInit } from "./events.ts";
import type { Script } from "./scripted-gateway.ts";

const rescued: EventInit = {
  case: "completed",
  value: {
    attempts: [
      {
        number: 1,
        target: { ...origin, model: "fault-503" },
        durationMs: 3,
        reason: ErrorReason.PROVIDER_OVERLOADED,
        message: "The provider is overloaded",
        httpStatus: 503,
      },
      { number: 2, target: origin, durationMs: 12 },
    ],
  },
};

function lastText({ messages }: ChatRequest): string {
  const kind = messages.at(-1)?.parts[0]?.kind;
  if (kind?.case === "text") return kind.value.text;
  const content = kind?.case === "toolResult" ? kind.value.content[0]?.kind : undefined;
  return content?.case === "text" ? `The tool said ${content.value.text}` : "";
}

export const sandboxScripts: Readonly<Record<string, Script>> = {
  "sandbox/echo": (request) => answer([lastText(request)]),
  "sandbox/story": () => answer(["Once", " upon", " a time"]),
  "sandbox/tools": (request): StreamEvent[] => {
    if (request.messages.length > 1) return answer([lastText(request)]);
    return numbered([started, ...toolBlock(['{"city":', '"Rome"}']), finished(FinishReason.TOOL_CALLS), completed]);
  },
  "failover-demo": () => [...answer(["Rescued"]).slice(0, -1), ...numbered([rescued], answer(["Rescued"]).length)],
};
