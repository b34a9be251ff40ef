import type { DescMessage, Message } from "@bufbuild/protobuf";
import { violations, type ChatRequest } from "../../contract/index.ts";
import { ParleyError } from "../../errors/index.ts";

/** Throws `INVALID_REQUEST` where a message breaks a rule of the contract. */
export function checkMessage(schema: DescMessage, message: Message): void {
  const violation = violations(schema, message)[0];
  if (!violation) return;
  const { field } = violation;
  throw new ParleyError("INVALID_REQUEST", `Cannot read the request: ${field} is wrong, ${violation.message}`, {
    field,
  });
}

/** The chat request within a message, whose own rules the pipeline checks. Throws `INVALID_REQUEST` where it is not set. */
export function requiredRequest(request: ChatRequest | undefined): ChatRequest {
  if (request) return request;
  throw new ParleyError("INVALID_REQUEST", "Cannot answer: request is not set; send the chat request in it", {
    field: "request",
  });
}
