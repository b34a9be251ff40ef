// The wire format of POST /v1/messages. Source: https://platform.claude.com/docs/en/api/messages. Types only. Whatever
// is received may lack any member or hold null instead, hence `Nullable`; unknown members are allowed everywhere.
export type * from "./wire-common.ts";
export type * from "./wire-request.ts";
export type * from "./wire-response.ts";
