// The wire format of POST /responses: what OpenAI documents, and what the vendors that speak it add.
// Source: https://platform.openai.com/docs/api-reference/responses. Types only. Whatever is received may lack any member
// or hold null instead, hence `Nullable`; unknown members are allowed everywhere.
export type * from "./wire-common.ts";
export type * from "./wire-request.ts";
export type * from "./wire-response.ts";
export type * from "./wire-events.ts";
