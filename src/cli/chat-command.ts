import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  ChatRequestSchema,
  ChatService,
  ErrorReason,
  Role,
  type Completed,
  type StreamEvent,
} from "../contract/index.ts";
import { reasonName } from "../errors/index.ts";
import { CommandError, type CliContext, type Command } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { usdText } from "./models-command.ts";

/** `chat`: one question, answered as it comes. */
export const chatCommand: Command = {
  usage: "chat MODEL TEXT",
  summary: "Ask a running gateway and print the answer as it comes; TEXT - reads standard input.",
  flags: { system: "instructions before the text", ...CLIENT_FLAGS },
  switches: { reasoning: "print the model's reasoning to standard error" },
  counts: [2, 2],
  async run(input, context) {
    const [model = "", given = ""] = input.args;
    const text = given === "-" ? await context.readStdin() : given;
    const { url, transport } = connectToGateway(input, context);
    const request = buildRequest(model, text, input.flags.get("system"));
    const printer = new AnswerPrinter(context, input.switches.has("reasoning"));
    try {
      for await (const { event } of createClient(ChatService, transport).generateStream({ request })) {
        if (event) printer.print(event);
      }
    } catch (error) {
      printer.endLine();
      throw error instanceof CommandError ? error : callFailure("chat", error, url);
    }
    printer.finish();
  },
};

function buildRequest(model: string, text: string, system: string | undefined) {
  const message = (role: Role, content: string) => ({
    role,
    parts: [{ kind: { case: "text" as const, value: { text: content } } }],
  });
  const messages = [...(system === undefined ? [] : [message(Role.SYSTEM, system)]), message(Role.USER, text)];
  return create(ChatRequestSchema, { model, messages });
}

/** Prints one streamed answer: its text to standard output, everything about it to standard error. */
class AnswerPrinter {
  readonly #context: CliContext;
  readonly #withReasoning: boolean;
  #isLineOpen = false;
  #isReasoningOpen = false;
  #served = "";
  #completed: Completed | undefined;

  constructor(context: CliContext, withReasoning: boolean) {
    this.#context = context;
    this.#withReasoning = withReasoning;
  }

  /** Throws `CommandError` where the gateway says that the answer failed. */
  print({ event }: StreamEvent): void {
    switch (event.case) {
      case "started":
        this.#served = event.value.origin ? `${event.value.origin.provider}/${event.value.origin.model}` : "";
        return;
      case "blockStarted":
        if (event.value.part?.kind.case === "text") this.#write(event.value.part.kind.value.text);
        return;
      case "blockDelta":
        return this.#printDelta(event.value.delta);
      case "blockFinished":
        if (event.value.part?.kind.case === "toolCall") {
          const { name, input } = event.value.part.kind.value;
          this.endLine();
          this.#context.stdout.write(`[calls ${name} ${input.value ?? ""}]\n`);
        }
        return;
      case "completed":
        this.#completed = event.value;
        return;
      case "failed": {
        const { error } = event.value;
        const reason = reasonName(error?.reason ?? ErrorReason.UNSPECIFIED);
        throw new CommandError(
          `${error?.message ?? "Cannot finish the answer"} (${reason}, request ${error?.requestId})`,
        );
      }
      default:
        return;
    }
  }

  #printDelta(delta: Extract<StreamEvent["event"], { case: "blockDelta" }>["value"]["delta"]): void {
    if (delta.case === "text" || delta.case === "refusal") this.#write(delta.value);
    else if (this.#withReasoning && (delta.case === "reasoningText" || delta.case === "reasoningSummary")) {
      this.#context.stderr.write(delta.value);
      this.#isReasoningOpen = !delta.value.endsWith("\n");
    }
  }

  #write(text: string): void {
    if (text === "") return;
    this.#endReasoning();
    this.#context.stdout.write(text);
    this.#isLineOpen = !text.endsWith("\n");
  }

  #endReasoning(): void {
    if (this.#isReasoningOpen) this.#context.stderr.write("\n");
    this.#isReasoningOpen = false;
  }

  /** Ends a line that was begun. */
  endLine(): void {
    this.#endReasoning();
    if (this.#isLineOpen) this.#context.stdout.write("\n");
    this.#isLineOpen = false;
  }

  /** Tells what the answer took. Throws `CommandError` where it never ended. */
  finish(): void {
    this.endLine();
    const completed = this.#completed;
    if (!completed) throw new CommandError("Cannot finish the answer: the stream ended without saying how");
    const { usage, cost, attempts } = completed;
    const facts = [
      this.#served,
      usage ? `${usage.inputTokens ?? "?"} tokens in, ${usage.outputTokens ?? "?"} out` : "",
      cost?.nanoUsd === undefined ? "" : usdText(cost.nanoUsd),
      attempts.length > 1 ? `${attempts.length} attempts` : "",
    ];
    this.#context.stderr.write(`(${facts.filter((fact) => fact !== "").join("; ")})\n`);
  }
}
