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

/** How long a cached prefix is kept; 5m where it is not told. */
export interface CacheControl {
  type: "ephemeral";
  ttl?: Nullable<"5m" | "1h">;
}

/** Who called a tool: the model itself, or code that the model wrote and the provider runs. */
export interface ToolCaller {
  /** `direct`, or a dated type of the code execution tool. */
  type: string;
  /** The call of that tool. */
  tool_id?: Nullable<string>;
}
