import type { ChatRequest } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { Adaptations } from "../adaptations.ts";
import type { DialectTarget, EncodeOptions, EncodedRequest, UnsupportedField } from "../dialect.ts";
import { jsonText } from "../json-text.ts";
import { CacheMarks } from "./cache-marks.ts";
import type { Body, EncodeContext } from "./encode-context.ts";
import { encodeExtras, reservedMarks } from "./encode-extras.ts";
import { containerOf, encodeMessages, trimPrefill } from "./encode-messages.ts";
import { wireFormat } from "./encode-output.ts";
import { encodeReasoning, wireEffort } from "./encode-reasoning.ts";
import { encodeSampling, outputLimit } from "./encode-sampling.ts";
import { encodeTools } from "./encode-tools.ts";
import { mergeRawParams } from "./raw-params.ts";
import { rulesOf } from "./target-rules.ts";
import { unsupported } from "./unsupported.ts";

/**
 * What the target cannot honour; with `require_parameters` also every advisory field that it would not get as asked
 * for.
 */
export function findUnsupported(request: ChatRequest, target: DialectTarget): readonly UnsupportedField[] {
  const found = unsupported(request, target);
  if (found.length > 0 || request.routing?.constraints?.requireParameters !== true) return found;
  const { adaptations } = encodeBody(request, target, { stream: false });
  return (
    adaptations
      .list()
      // The output limit that the wire demands is told, and was not asked for.
      .filter(({ field }) => !field.startsWith("messages") && field !== "sampling.max_output_tokens")
      .map(({ field, reason }) => ({ field, reason, capability: false }))
  );
}

/** The upstream request. Throws a typed error where the target cannot honour a binding field. */
export function encodeRequest(request: ChatRequest, target: DialectTarget, options: EncodeOptions): EncodedRequest {
  const [refused] = findUnsupported(request, target);
  if (refused) {
    const reason = refused.capability ? "UNSUPPORTED_CAPABILITY" : "UNSUPPORTED_PARAMETER";
    const message = `Cannot send ${refused.field} to ${target.provider}/${target.model}: ${refused.reason}`;
    throw new ParleyError(reason, message, { field: refused.field });
  }
  const { body, adaptations, betas, rules } = encodeBody(request, target, options);
  const { endpoint, version, beta_header: namesBetas } = rules.settings;
  const headers: Record<string, string> = { accept: options.stream ? "text/event-stream" : "application/json" };
  if (endpoint === "messages") headers["anthropic-version"] = version;
  if (namesBetas && betas.size > 0) headers["anthropic-beta"] = [...betas].join(",");
  return { path: pathOf(target, endpoint, options), body: jsonText(body), headers, adaptations: adaptations.list() };
}

function pathOf({ model }: DialectTarget, endpoint: string, { stream }: EncodeOptions): string {
  if (endpoint === "messages") return "/messages";
  const verb = stream ? "streamRawPredict" : "rawPredict";
  return `/publishers/anthropic/models/${encodeURIComponent(model).replaceAll("%40", "@")}:${verb}`;
}

function encodeBody(
  request: ChatRequest,
  target: DialectTarget,
  options: EncodeOptions,
): EncodeContext & { readonly body: Body } {
  const rules = rulesOf(target.facts);
  const adaptations = new Adaptations();
  const cacheMarks = new CacheMarks(rules, adaptations);
  const context: EncodeContext = { request, target, rules, adaptations, cacheMarks, betas: new Set<string>() };
  const isPublisher = rules.settings.endpoint === "publisher";
  const body: Body = new Map<string, unknown>([
    isPublisher ? ["anthropic_version", rules.settings.version] : ["model", target.model],
  ]);
  const maxTokens = outputLimit(context);
  body.set("max_tokens", maxTokens);
  // The order of the prompt, in which cache marks count: tools, instructions, turns.
  encodeTools(context, body);
  const { system, turns } = encodeMessages(context);
  trimPrefill(context, turns);
  if (system.length > 0) body.set("system", system);
  body.set("messages", turns);
  const outputConfig = { effort: wireEffort(context), format: wireFormat(context) };
  if (outputConfig.effort !== undefined || outputConfig.format !== undefined) body.set("output_config", outputConfig);
  encodeSampling(context, body);
  encodeReasoning(context, turns, maxTokens, body);
  encodeExtras(context, body);
  const container = containerOf(context);
  if (container !== undefined) body.set("container", container);
  cacheMarks.write(reservedMarks(body));
  if (options.stream) body.set("stream", true);
  mergeRawParams(context, body);
  return { ...context, body };
}
