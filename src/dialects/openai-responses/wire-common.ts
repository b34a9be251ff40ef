// What requests and answers of the wire format share.

/** A member that may be absent or null on the wire. */
export type Nullable<T> = T | null | undefined;

/** Any JSON value whose shape this format leaves open. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** An object of JSON whose members this format leaves open. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** What a message of the model is for. */
export type MessagePhase = "commentary" | "final_answer";

/** How a call came about: by the model itself, or by a program that the model wrote. */
export interface ToolCallCaller {
  readonly type: string;
  readonly caller_id?: string;
}
