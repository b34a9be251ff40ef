import type { Part, ToolResultPart } from "../../contract/index.ts";
import { mediaAddress } from "../media-source.ts";
import { objectOf } from "../json-field.ts";
import type { RawJson } from "../json-text.ts";
import type { CallIds } from "./call-ids.ts";
import type { Calls, EncodeContext, WireObject } from "./encode-context.ts";
import { wireContentPart } from "./encode-parts.ts";
import { answeringType } from "./item-kinds.ts";

/** The result of a tool that the caller ran, as an item in the shape of the call that it answers. */
export function encodeResult(
  context: EncodeContext,
  result: ToolResultPart,
  path: string,
  callIds: CallIds,
  calls: Calls,
): WireObject {
  const call = calls.get(result.callId);
  const call_id = callIds.wire(result.callId, `${path}.tool_result`);
  const type = result.nativeType ?? (call?.nativeType === undefined ? undefined : answeringType(call.nativeType));
  if (type !== undefined && result.nativeJson !== undefined) {
    return nativeJsonItem(objectOf(result.nativeJson, `${path}.tool_result.native_json`));
  }
  const native = type === undefined ? undefined : nativeItem(type, call_id, result, path);
  if (native) return native;
  const isCustom = call?.input.case === "text";
  return {
    type: isCustom ? "custom_tool_call_output" : "function_call_output",
    call_id,
    output: outputOf(context, result, `${path}.tool_result`),
  };
}

// The caller has written the whole item in the wire's own words.
function nativeJsonItem(json: RawJson): WireObject {
  return json as unknown as WireObject;
}

function nativeItem(type: string, callId: string, result: ToolResultPart, path: string): WireObject | undefined {
  switch (type) {
    case "computer_call_output": {
      const picture = result.content.find(({ kind }) => kind.case === "media")?.kind;
      if (picture?.case !== "media") return undefined;
      const output = { type: "computer_screenshot", image_url: mediaAddress(picture.value, `${path}.tool_result`) };
      return { type, call_id: callId, output };
    }
    case "local_shell_call_output":
      return { type, id: callId, output: textOf(result.content) };
    case "shell_call_output": {
      const outcome = { type: "exit", exit_code: result.isError === true ? 1 : 0 };
      return { type, call_id: callId, output: [{ stdout: textOf(result.content), stderr: "", outcome }] };
    }
    case "apply_patch_call_output":
      return {
        type,
        call_id: callId,
        status: result.isError === true ? "failed" : "completed",
        output: textOf(result.content),
      };
    default:
      return undefined;
  }
}

function textOf(content: readonly Part[]): string {
  return content.map(({ kind }) => (kind.case === "text" ? kind.value.text : "")).join("");
}

function outputOf(context: EncodeContext, result: ToolResultPart, path: string): string | readonly WireObject[] {
  const content: WireObject[] = [];
  for (const [index, part] of result.content.entries()) {
    const wire = wireContentPart(part, `${path}.content[${index}]`, context);
    if (wire) content.push(wire);
  }
  if (result.isError === true) markError(context, content, `${path}.is_error`);
  const [only] = content;
  if (!only) return "";
  const isBareText =
    content.length === 1 && only["type"] === "input_text" && only["prompt_cache_breakpoint"] === undefined;
  return isBareText ? (only["text"] as string) : content;
}

function markError(context: EncodeContext, content: WireObject[], field: string): void {
  const first = content.find(({ type }) => type === "input_text");
  if (first) first["text"] = `Error: ${String(first["text"])}`;
  else content.unshift({ type: "input_text", text: "Error" });
  const reason = "the wire format has no mark for failed tools; the text says so";
  context.adaptations.addPart(field, "Error: …", reason);
}
