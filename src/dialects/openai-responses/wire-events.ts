import type { JsonObject, Nullable } from "./wire-common.ts";
import type { Annotation, ContentPart, OutputItem, ResponseObject } from "./wire-response.ts";

/** One event of a streamed answer. Members depend on `type`; all of them are listed here. */
export interface ResponseEvent {
  /** For example `response.output_text.delta`; servers that leave it out name the event in the framing. */
  type?: Nullable<string>;
  sequence_number?: Nullable<number>;
  response?: Nullable<ResponseObject>;
  /** Place of the item in the answer; some events of some servers have the item's id only. */
  output_index?: Nullable<number>;
  item_id?: Nullable<string>;
  item?: Nullable<OutputItem>;
  content_index?: Nullable<number>;
  summary_index?: Nullable<number>;
  annotation_index?: Nullable<number>;
  part?: Nullable<ContentPart>;
  /** Text; in the output of shells an object. */
  delta?: Nullable<string | JsonObject>;
  text?: Nullable<string>;
  refusal?: Nullable<string>;
  arguments?: Nullable<string>;
  input?: Nullable<string>;
  code?: Nullable<string>;
  annotation?: Nullable<Annotation>;
  logprobs?: Nullable<unknown[]>;
  /** Padding against observers who guess text from lengths. */
  obfuscation?: Nullable<string>;
  /** Of the event `error`; some servers nest it. */
  error?: Nullable<JsonObject | string>;
  message?: Nullable<string>;
  param?: Nullable<string>;
}
