import type { ChatRequest } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import type { DialectTarget, EncodeOptions, EncodedRequest, UnsupportedField } from "../dialect.ts";
import { Adaptations } from "../adaptations.ts";
import type { Body, EncodeContext } from "./encode-context.ts";
import { encodeExtras } from "./encode-extras.ts";
import { encodeMessages } from "./encode-messages.ts";
import { addJsonWord, encodeOutput } from "./encode-output.ts";
import { encodeReasoning } from "./encode-reasoning.ts";
import { encodeSampling } from "./encode-sampling.ts";
import { encodeTools } from "./encode-tools.ts";
import { jsonText, objectMembers } from "../json-text.ts";
import { mergeRawParams } from "./raw-params.ts";
import { willReason } from "./rejected-while-reasoning.ts";
import { rulesOf } from "./target-rules.ts";
import { unsupported } from "./unsupported.ts";

const HEADERS = { unary: { accept: "application/json" }, stream: { accept: "text/event-stream" } } as const;

/**
 * What the target cannot honour; with `require_parameters` also every advisory field that it would not get as asked
 * for.
 */
export function findUnsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[] {
  const found = unsupported(request, target);
  if (found.length > 0 || request.routing?.constraints?.requireParameters !== true) return found;
  const { adaptations } = encodeBody(request, target, { stream: false });
  return adaptations
    .list()
    .filter(({ field }) => !field.startsWith("messages"))
    .map(({ field, reason }) => ({ field, reason, capability: false }));
}

/** The upstream request. Throws a typed error where the target cannot honour a binding field. */
export function encodeRequest(request: ChatRequest, target: DialectTarget, options: EncodeOptions): EncodedRequest {
  const [refused] = findUnsupported(request, target);
  if (refused) {
    const reason = refused.capability ? "UNSUPPORTED_CAPABILITY" : "UNSUPPORTED_PARAMETER";
    const message = `Cannot send ${refused.field} to ${target.provider}/${target.model}: ${refused.reason}`;
    throw new ParleyError(reason, message, { field: refused.field });
  }
  const { body, adaptations } = encodeBody(request, target, options);
  return {
    path: "/chat/completions",
    body: jsonText(body),
    headers: body.get("stream") === true ? HEADERS.stream : HEADERS.unary,
    adaptations: adaptations.list(),
  };
}

function encodeBody(
  request: ChatRequest,
  target: DialectTarget,
  options: EncodeOptions,
): { readonly body: Body; readonly adaptations: Adaptations } {
  const rules = rulesOf(target.facts);
  const adaptations = new Adaptations();
  const context: EncodeContext = { request, target, rules, adaptations };
  const body: Body = new Map<string, unknown>([["model", target.model]]);
  const messages = encodeMessages(context);
  addJsonWord(context, messages);
  body.set("messages", messages);
  encodeTools(context, body);
  encodeOutput(context, body);
  encodeSampling(context, body);
  encodeReasoning(context, body);
  encodeExtras(context, body);
  if (options.stream || streamsAnyway(context)) {
    body.set("stream", true);
    if (rules.settings.stream_usage) body.set("stream_options", { include_usage: true });
  }
  if (request.messages.at(-1)?.prefill === true && rules.settings.prefill === "continue_final_message") {
    body.set("continue_final_message", true);
    body.set("add_generation_prompt", false);
  }
  addMembers(context, body);
  mergeRawParams(context, body);
  return { body, adaptations };
}

function streamsAnyway({ request, rules }: EncodeContext): boolean {
  const { reasons_in_streams_only: onlyStreams, reasons } = rules.settings;
  return onlyStreams && willReason(request, reasons);
}

// What the vendor wants with every request.
function addMembers({ request, rules }: EncodeContext, body: Body): void {
  const { extra_members: extra, thinking_keep: keeps, reasons } = rules.settings;
  for (const [name, value] of extra === "" ? [] : (objectMembers(extra) ?? []))
    if (!body.has(name)) body.set(name, value);
  if (keeps && willReason(request, reasons)) body.set("thinking", { type: "enabled", keep: "all" });
}
