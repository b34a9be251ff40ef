import { ParleyError, redactRemembered } from "../errors/index.ts";
import type { PreparedCall } from "../providers/adapter.ts";

/**
 * How a provider's good answer is read by its head: as events or as a whole; or why it cannot be read. An endpoint that only
 * streams is read as a whole where a whole answer was asked for: the codec folds it.
 */
export function howToRead(
  status: number,
  headers: Readonly<Record<string, string>>,
  stream: boolean,
): "events" | "whole" | ParleyError {
  if (status === 204 || status === 205) return badOutput("it has no content");
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return badOutput(`it is encoded as ${encoding}, which was not asked for`);
  }
  const type = headers["content-type"] ?? (stream ? "text/event-stream" : "application/json");
  const isEvents = type.startsWith("text/event-stream");
  if (stream && isEvents) return "events";
  return isEvents || /[/+]json\b/.test(type) ? "whole" : badOutput(`its content type is ${type.slice(0, 64)}`);
}

/** The provider's id of a call, redacted and shortened; undefined: its headers have none. */
export function upstreamRequestId(
  prepared: PreparedCall,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const id = prepared.dialect.requestId(headers);
  return id === undefined ? undefined : redactRemembered(id).slice(0, 128);
}

/** An answer that breaks its own format. */
export function badOutput(what: string): ParleyError {
  return new ParleyError("PROVIDER_BAD_OUTPUT", `Cannot read the provider's answer: ${what}`);
}
