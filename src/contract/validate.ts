import type { DescMessage, Message } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { surelyValid } from "./fast-rules.ts";

const validator = createValidator();

/** A rule of the contract that a message breaks. */
export interface Violation {
  /** Path in the message, for example `messages[0].role`. */
  readonly field: string;
  /** What is wrong, in a sentence without the value. */
  readonly message: string;
}

/** The rules of the contract (protovalidate) that `message` breaks, at most 16. Empty: it is valid. */
export function violations(schema: DescMessage, message: Message): readonly Violation[] {
  if (surelyValid(schema, message)) return [];
  const result = validator.validate(schema, message);
  if (result.kind === "valid") return [];
  if (result.kind === "error") throw result.error;
  return result.violations.slice(0, 16).map((violation) => ({
    field: pathText(violation.field),
    message: violation.message,
  }));
}

type FieldPath = Extract<ReturnType<typeof validator.validate>, { kind: "invalid" }>["violations"][number]["field"];

function pathText(path: FieldPath): string {
  let text = "";
  for (const step of path) {
    if (step.kind === "list_sub") text += `[${step.index}]`;
    else if (step.kind === "map_sub") text += `[${JSON.stringify(step.key)}]`;
    else if (step.kind === "field" || step.kind === "oneof" || step.kind === "extension") {
      text += (text === "" ? "" : ".") + step.name;
    }
  }
  return text;
}
