import OpenAI, { APIError } from "openai";
import { openaiResponses } from "../../../src/dialects/openai-responses/index.ts";
import { plainJson, type Oracle, type Reading } from "./oracle.ts";

type ResponseParams = OpenAI.Responses.ResponseCreateParamsStreaming;

/** `openai` for the Responses API; streams are put together by its own helper. */
export const openaiResponsesOracle: Oracle = {
  name: "openai responses",
  apis: ["openai.responses"],
  goldens: "openai.responses",
  adds: {},
  dialect: openaiResponses,
  smallestBody: { model: "recorded", input: "Hi" },
  async call(url, body, { stream }) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 });
    if (stream) return readingOf(await client.responses.stream(body as ResponseParams).finalResponse());
    return readingOf(await client.responses.create(body as OpenAI.Responses.ResponseCreateParamsNonStreaming));
  },
  statusOf: (thrown) => (thrown instanceof APIError ? thrown.status : undefined),
};

function readingOf({ output, usage, status, incomplete_details: details }: OpenAI.Responses.Response): Reading {
  const messages = output.flatMap((item) => (item.type === "message" ? item.content : []));
  const thoughts = output.flatMap((item) =>
    item.type === "reasoning" ? [...(item.content ?? []), ...item.summary].map(({ text }) => text) : [],
  );
  return {
    candidates: [
      {
        text: messages.map((piece) => (piece.type === "output_text" ? piece.text : "")).join(""),
        refusal: messages.map((piece) => (piece.type === "refusal" ? piece.refusal : "")).join(""),
        reasoning: thoughts.join(""),
        calls: output.flatMap((item) => {
          if (item.type === "function_call") return [{ name: item.name, input: plainJson(item.arguments) }];
          return item.type === "custom_tool_call" ? [{ name: item.name, input: plainJson(item.input) }] : [];
        }),
        finish: details?.reason ?? status ?? "",
      },
    ],
    usage: usage
      ? {
          input: usage.input_tokens,
          cacheRead: usage.input_tokens_details?.cached_tokens ?? 0,
          output: usage.output_tokens,
          reasoning: usage.output_tokens_details?.reasoning_tokens ?? 0,
        }
      : undefined,
  };
}
