import type { ChatRequest } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { Adaptations } from "../adaptations.ts";
import type { DialectTarget, EncodeOptions, EncodedRequest, UnsupportedField } from "../dialect.ts";
import { jsonText } from "../json-text.ts";
import type { Body, EncodeContext } from "./encode-context.ts";
import { encodeExtras } from "./encode-extras.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeOutput } from "./encode-output.ts";
import { encodeReasoning } from "./encode-reasoning.ts";
import { encodeSampling } from "./encode-sampling.ts";
import { encodeTools } from "./encode-tools.ts";
import { mergeRawParams } from "./raw-params.ts";
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
  const { adaptations } = encodeBody(request, target);
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
  const { body, adaptations } = encodeBody(request, target);
  const { endpoint } = rulesOf(target.facts).settings;
  return {
    path: modelPath(target.model, endpoint) + (options.stream ? ":streamGenerateContent?alt=sse" : ":generateContent"),
    body: jsonText(body),
    headers: options.stream ? HEADERS.stream : HEADERS.unary,
    adaptations: adaptations.list(),
  };
}

const COLLECTION = /^(models|tunedModels)\/([^/]+)$/;
// Tuned models of a cloud have an endpoint of their own.
const ENDPOINT = /^endpoints\/([^/]+)$/;

// Ids come from callers: whatever they hold stays within one segment of the path.
function modelPath(model: string, endpoint: "models" | "publisher"): string {
  const segment = (id: string): string => encodeURIComponent(id.toWellFormed());
  const [, collection = "models", id = model] = COLLECTION.exec(model) ?? [];
  if (endpoint === "models") return `/${collection}/${segment(id)}`;
  const [, tuned] = ENDPOINT.exec(model) ?? [];
  return tuned === undefined ? `/publishers/google/models/${segment(id)}` : `/endpoints/${segment(tuned)}`;
}

function encodeBody(
  request: ChatRequest,
  target: DialectTarget,
): { readonly body: Body; readonly adaptations: Adaptations } {
  const adaptations = new Adaptations();
  const context: EncodeContext = { request, target, rules: rulesOf(target.facts), adaptations };
  const body: Body = new Map();
  const { contents, system, continuationToken } = encodeMessages(context);
  body.set("contents", contents);
  if (system.length > 0) body.set("systemInstruction", { parts: system });
  if (continuationToken !== undefined) body.set("continuationToken", continuationToken);
  encodeTools(context, body);
  const config: Body = new Map();
  encodeOutput(context, config);
  encodeSampling(context, config);
  encodeReasoning(context, config);
  if (config.size > 0) body.set("generationConfig", config);
  encodeExtras(context, body);
  mergeRawParams(context, body);
  return { body, adaptations };
}
