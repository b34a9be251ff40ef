// The wire format of models/…:generateContent as the Gemini API and Vertex AI speak it.
// Sources: https://ai.google.dev/api/generate-content, https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
// Types only. Whatever is received may lack any member or hold null instead, hence `Nullable`; unknown members are
// allowed everywhere.
export type * from "./wire-common.ts";
export type * from "./wire-request.ts";
export type * from "./wire-response.ts";
