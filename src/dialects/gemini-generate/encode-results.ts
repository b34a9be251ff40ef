import type { ToolResultPart } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";
import { rawObject } from "../json-text.ts";
import type { EncodeContext, WireObject } from "./encode-context.ts";
import { wireContentPart } from "./encode-parts.ts";

/** The result of a tool on the wire. `names` has the names of the calls so far, by id: the wire wants them again. */
export function encodeToolResult(
  context: EncodeContext,
  result: ToolResultPart,
  field: string,
  names: ReadonlyMap<string, string>,
): WireObject {
  const name = result.name ?? names.get(result.callId);
  if (name === undefined) {
    const message = `Cannot send ${field}.tool_result: the provider wants the tool's name, and no earlier call has this call_id; set name`;
    throw new ParleyError("INVALID_REQUEST", message, { field: `${field}.tool_result.name` });
  }
  const texts: string[] = [];
  const parts: unknown[] = [];
  for (const [index, part] of result.content.entries()) {
    const wire = wireContentPart(part, `${field}.tool_result.content[${index}]`, context) as WireObject | undefined;
    if (!wire) continue;
    if (typeof wire["text"] === "string") texts.push(wire["text"]);
    else parts.push(wire);
  }
  return {
    functionResponse: {
      id: context.rules.settings.call_ids ? result.callId : undefined,
      name,
      response: wireResponse(texts, result.isError === true),
      parts: parts.length > 0 ? parts : undefined,
    },
  };
}

// The wire wants an object. One that the tool wrote goes out as it is; anything else under the names that the API
// documents. Source: https://ai.google.dev/api/caching#FunctionResponse.
function wireResponse(texts: readonly string[], isError: boolean): unknown {
  const [only] = texts;
  if (only === undefined) return isError ? { error: "The tool failed." } : {};
  const value = texts.length > 1 ? texts : (rawObject(only) ?? only);
  if (isError) return { error: value };
  return typeof value === "string" || Array.isArray(value) ? { output: value } : value;
}
