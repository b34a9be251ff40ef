import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { create, fromJsonString } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import {
  ChatRequestSchema,
  ConstraintsSchema,
  ExplainRequestSchema,
  Role,
  RouteService,
  RoutingSchema,
  SamplingSchema,
  textPart,
  type ChatRequest,
} from "../contract/index.ts";
import { CommandError, type CliContext, type Command, type CommandInput } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { decisionText, traceText } from "./decision-text.ts";

/** `explain`: where a request would go, or what became of one. */
export const explainCommand: Command = {
  usage: "explain [MODEL [TEXT]]",
  summary: "Say where a request would go and why, without sending it; or with --trace what became of one.",
  flags: {
    request: "file with the request, a ChatRequest in JSON; - reads standard input; MODEL replaces its model",
    trace: "id of an earlier request (x-request-id), instead of a model",
    fallbacks: "models to fall back to, separated by commas",
    regions: "only targets in these regions, separated by commas",
    needs: "only targets with these capabilities, separated by commas",
    "max-output-tokens": "output limit of the request",
    ...CLIENT_FLAGS,
  },
  switches: {
    "zero-retention": "only targets that keep nothing",
    "no-training": "only targets that do not train on requests",
  },
  counts: [0, 2],
  async run(input, context) {
    const requestId = input.flags.get("trace");
    if (requestId !== undefined && input.args.length > 0) {
      throw new CommandError("Cannot explain both: --trace takes the place of a model", 2);
    }
    const request = requestId === undefined ? await requestOf(input, context) : undefined;
    const { url, transport } = connectToGateway(input, context);
    const client = createClient(RouteService, transport);
    try {
      if (request) {
        const { decision } = await client.explain({ request });
        if (decision) context.stdout.write(decisionText(decision));
      } else {
        const { trace } = await client.getTrace({ requestId: requestId ?? "" });
        if (trace) context.stdout.write(traceText(trace));
      }
    } catch (error) {
      throw callFailure("explain", error, url);
    }
  },
};

async function requestOf(input: CommandInput, context: CliContext): Promise<ChatRequest> {
  const [model, text = "Hello"] = input.args;
  const file = input.flags.get("request");
  if (file === undefined && model === undefined) {
    throw new CommandError("Cannot explain nothing: name a model, or --request FILE, or --trace ID", 2);
  }
  const request =
    file === undefined
      ? create(ChatRequestSchema, { messages: [{ role: Role.USER, parts: [textPart(text)] }] })
      : await readRequest(file, context);
  if (model !== undefined) request.model = model;
  addOptions(request, input);
  return request;
}

async function readRequest(file: string, context: CliContext): Promise<ChatRequest> {
  const text = file === "-" ? await context.readStdin() : readText(resolve(context.cwd, file));
  // As it would be sent: the message of Generate, or the chat request within it.
  for (const parse of [
    () => fromJsonString(ExplainRequestSchema, text).request,
    () => fromJsonString(ChatRequestSchema, text),
  ]) {
    try {
      const request = parse();
      if (request) return request;
    } catch {
      // The other shape may fit.
    }
  }
  throw new CommandError(`Cannot read the request ${file}: it is no ChatRequest of the contract in JSON`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new CommandError(`Cannot read the request ${path}: ${code}`);
  }
}

function addOptions(request: ChatRequest, { flags, switches }: CommandInput): void {
  const [fallbackModels, regions, requiredCapabilities] = ["fallbacks", "regions", "needs"].map((name) =>
    (flags.get(name) ?? "").split(",").filter((word) => word !== ""),
  ) as [string[], string[], string[]];
  const constraints = {
    ...(regions.length > 0 ? { regions } : {}),
    ...(requiredCapabilities.length > 0 ? { requiredCapabilities } : {}),
    ...(switches.has("zero-retention") ? { zeroRetention: true } : {}),
    ...(switches.has("no-training") ? { noTraining: true } : {}),
  };
  const isConstrained = Object.keys(constraints).length > 0;
  if (isConstrained || fallbackModels.length > 0) {
    const routing = (request.routing ??= create(RoutingSchema));
    if (fallbackModels.length > 0) routing.fallbackModels = fallbackModels;
    if (isConstrained) Object.assign((routing.constraints ??= create(ConstraintsSchema)), constraints);
  }
  const limit = flags.get("max-output-tokens");
  if (limit === undefined) return;
  if (!/^[1-9]\d{0,8}$/.test(limit)) {
    throw new CommandError("Cannot read the flag --max-output-tokens: expected a number of tokens", 2);
  }
  (request.sampling ??= create(SamplingSchema)).maxOutputTokens = Number(limit);
}
