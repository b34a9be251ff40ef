import { toJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ChatResponseSchema,
  Executor,
  FinishReason,
  ReasoningVisibility,
  TextPhase,
  type Part,
} from "../../contract/index.ts";
import { openaiResponses } from "./index.ts";
import { answerOf, countingIds, foldBody, message, reasonThrown, said, targetWith } from "./target.fixture.ts";

function partsOf(output: readonly object[], target = targetWith()): readonly Part[] {
  return foldBody(answerOf(output), target).candidates[0]?.message?.parts ?? [];
}

function stateOf(part: Part | undefined, format: string): string | undefined {
  const payload = part?.state.find((one) => one.format === `openai-responses.${format}`)?.payload;
  return payload?.case === "text" ? payload.value : undefined;
}

describe("decodeResponse", () => {
  test("decodeResponse yields whole blocks and no deltas", () => {
    const body = JSON.stringify(answerOf([message("m", said("x"))]));
    const events = openaiResponses.decodeResponse(`\ufeff${body}`, targetWith(), countingIds());
    expect(events.map(({ event }) => event.case)).toEqual([
      "started",
      "blockStarted",
      "blockFinished",
      "candidateFinished",
      "completed",
    ]);
  });

  test("decodeResponse keeps pieces, phases and identities of messages", () => {
    const first = { ...message("msg_1", said("a"), said("b")), phase: "commentary" };
    const parts = partsOf([first, message("msg_2", { type: "refusal", refusal: "no" })]);
    expect(parts).toMatchObject([
      { id: "msg_1", kind: { case: "text", value: { text: "a", phase: TextPhase.COMMENTARY } } },
      { id: "msg_1", kind: { case: "text", value: { text: "b", phase: TextPhase.COMMENTARY } } },
      { id: "msg_2", kind: { case: "refusal", value: { text: "no" } } },
    ]);
  });

  test("decodeResponse tells calls by their call_id, and makes one up where there is none", () => {
    const call = { type: "function_call", id: "fc_1", name: "f", arguments: "" };
    const parts = partsOf([{ ...call, call_id: "c_9" }, call, { ...call, id: undefined }]);
    const ids = parts.map(({ kind }) => (kind.case === "toolCall" ? kind.value.callId : ""));
    expect(ids).toEqual(["c_9", "fc_1", "call_1"]);
    expect(parts[0]).toMatchObject({
      id: "fc_1",
      kind: { value: { input: { case: undefined }, argumentsInvalid: false } },
    });
  });

  test("decodeResponse keeps members of calls that the contract lacks, for their model", () => {
    const call = { type: "function_call", id: "fc", call_id: "c", name: "f", arguments: "{}", status: "completed" };
    const [part, plain] = partsOf([{ ...call, namespace: "tools", caller: null }, call]);
    expect(stateOf(part, "item_members")).toBe('{"namespace":"tools"}');
    expect(plain?.state).toEqual([]);
  });

  test("decodeResponse says that cut arguments are none", () => {
    const output = [{ type: "function_call", id: "fc", call_id: "c", name: "f", arguments: '{"a":' }];
    const more = { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
    const response = foldBody(answerOf(output, more));
    expect(response.candidates[0]).toMatchObject({
      finish: { reason: FinishReason.MAX_TOKENS, native: "max_output_tokens" },
      message: { parts: [{ kind: { value: { argumentsInvalid: true } } }] },
    });
  });

  test.each<[object, ReasoningVisibility]>([
    [{ summary: [{ text: "s" }], encrypted_content: "g" }, ReasoningVisibility.SUMMARY],
    [{ summary: [{ text: "s" }], content: [{ text: "t" }] }, ReasoningVisibility.FULL],
    [{ summary: [], encrypted_content: "g" }, ReasoningVisibility.OMITTED],
  ])("decodeResponse keeps reasoning %j with its state on the very part", (item, visibility) => {
    const [part] = partsOf([{ type: "reasoning", id: "rs", format: "x-v1", ...item }, message("m", said("a"))]);
    expect(part).toMatchObject({ id: "rs", kind: { case: "reasoning", value: { visibility } } });
    expect(stateOf(part, "encrypted_content")).toBe("encrypted_content" in item ? "g" : undefined);
    expect(stateOf(part, "item_members")).toBe('{"format":"x-v1"}');
  });

  test("decodeResponse keeps citations with what their places count", () => {
    const notes = [
      { type: "url_citation", url: "https://a", title: "A", start_index: 1, end_index: 3 },
      {
        type: "container_file_citation",
        container_id: "c",
        file_id: "f1",
        filename: "x.png",
        start_index: 0,
        end_index: 0,
      },
      { type: "file_citation", file_id: "f2", filename: "y.txt", index: 4 },
    ];
    const [part] = partsOf([message("m", said("words", notes))], targetWith({ citation_offsets: "utf16" }));
    const citations = part?.kind.case === "text" ? part.kind.value.citations : [];
    expect(citations).toMatchObject([
      { url: "https://a", title: "A", outputStart: 1, outputEnd: 3, offsetUnit: 2 },
      { title: "x.png", file: { provider: "house", id: "f1" }, nativeJson: JSON.stringify(notes[1]) },
      { title: "y.txt", file: { id: "f2" }, nativeJson: JSON.stringify(notes[2]) },
    ]);
    expect(citations[1]?.outputEnd).toBeUndefined();
  });

  test.each([
    ["[]", "it has no output"],
    ['{"status":"completed"}', "it has no output"],
    ['{"output":[],"status":"in_progress"}', "its status is in_progress"],
    ['{"output":[]}', "its status is not told"],
    ['{"output":[],"status":{}}', "its status is not told"],
    ["", "empty"],
    ["<html>", "HTML"],
  ])("decodeResponse refuses %j", (body, problem) => {
    const run = (): unknown => openaiResponses.decodeResponse(body, targetWith(), countingIds());
    expect(reasonThrown(run)).toBe("PROVIDER_BAD_OUTPUT");
    expect(run).toThrow(body === "[]" ? "not a JSON object" : problem);
  });

  test.each([
    [{ error: { code: "server_error" }, status: "failed", output: [] }, "PROVIDER_ERROR"],
    [{ status: "failed", output: [] }, "PROVIDER_ERROR"],
    [{ status: "cancelled", output: [] }, "PROVIDER_ERROR"],
    [{ error: { code: "invalid_image_url" } }, "INVALID_MEDIA"],
    [{ detail: "gone" }, "PROVIDER_ERROR"],
  ])("decodeResponse finds the error in %j", (body, reason) => {
    expect(reasonThrown(() => foldBody(body))).toBe(reason);
  });
});

describe("the provider's own tools", () => {
  test("a search is a call and a result of the provider, never the caller's", () => {
    const item = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "q" } };
    const response = foldBody(`{"id":"r","status":"completed","output":[${JSON.stringify(item)}]}`);
    expect(response.candidates[0]).toMatchObject({
      finish: { reason: FinishReason.STOP },
      message: {
        parts: [
          {
            id: "ws_1",
            kind: {
              case: "toolCall",
              value: {
                callId: "ws_1",
                name: "web_search",
                executor: Executor.PROVIDER,
                nativeType: "web_search_call",
                input: { value: '{"type":"search","query":"q"}' },
              },
            },
          },
          {
            kind: {
              case: "toolResult",
              value: { callId: "ws_1", executor: Executor.PROVIDER, nativeType: "web_search_call" },
            },
          },
        ],
      },
    });
  });

  test("what the provider wants back is kept character by character", () => {
    const item = '{ "type":"mcp_list_tools", "id":"l", "tools":[{"n":9007199254740993, "x":1.0}] }';
    const call = '{ "type":"mcp_call","id":"mcp_1","name":"ask","arguments":"{}","output":"it is", "n":1.0 }';
    const body = `{"status":"completed","output":[${item} , ${call}]}`;
    const parts = foldBody(body).candidates[0]?.message?.parts ?? [];
    expect(parts[0]?.kind).toMatchObject({ case: "opaque", value: { nativeType: "mcp_list_tools", json: item } });
    expect(stateOf(parts[1], "item")).toBe(call);
    expect(parts[2]?.kind).toMatchObject({
      case: "toolResult",
      value: { name: "ask", content: [{ kind: { value: { text: "it is" } } }] },
    });
  });

  test("a failed call says so", () => {
    const failed = { type: "mcp_call", id: "m", name: "ask", arguments: "{}", error: { message: "no" }, output: null };
    const [, result] = partsOf([failed]);
    expect(result?.kind).toMatchObject({ value: { isError: true, nativeJson: '{"error":{"message":"no"}}' } });
  });

  test("outputs of code and passages of files become parts", () => {
    const outputs = [
      { type: "logs", logs: "1\n" },
      { type: "image", url: "data:image/png;base64,AQID" },
      { type: "image", url: "https://a/x.png" },
    ];
    const results = [{ file_id: "f", filename: "a.txt", text: "words", score: 0.5 }];
    const parts = partsOf([
      { type: "code_interpreter_call", id: "ci", code: "print(1)", outputs },
      { type: "file_search_call", id: "fs", queries: ["q"], results },
    ]);
    expect(parts.map(({ kind }) => kind)).toMatchObject([
      { value: { input: { case: "text", value: "print(1)" } } },
      {
        value: {
          content: [
            { kind: { value: { text: "1\n" } } },
            {
              kind: { value: { mimeType: "image/png", source: { case: "inline", value: new Uint8Array([1, 2, 3]) } } },
            },
            { kind: { value: { source: { case: "url", value: "https://a/x.png" } } } },
          ],
        },
      },
      { value: { input: { value: '{"queries":["q"]}' } } },
      { value: { content: [{ kind: { case: "searchResult", value: { source: "f", title: "a.txt" } } }] } },
    ]);
  });

  test("types and names that are no texts are left out, so that the answer can be written", () => {
    const odd = [
      { type: ["message"], id: "a" },
      { type: { a: 1 }, id: "b" },
      { type: "file_search_call", id: "fs", queries: ["q"], results: [{ file_id: [1], filename: { a: 1 } }] },
    ];
    const answer = foldBody(answerOf([...odd, message("m", said("x"))]));
    expect(() => toJsonString(ChatResponseSchema, answer)).not.toThrow();
    expect(answer.candidates[0]?.message?.parts.map(({ kind }) => kind.value)).toMatchObject([
      { nativeType: "", json: '{"type":["message"],"id":"a"}' },
      { nativeType: "" },
      { name: "file_search" },
      { content: [{ kind: { value: { source: "", title: "" } } }] },
      { text: "x" },
    ]);
  });

  test("a picture is a part of the answer, and its bytes are kept once", () => {
    const item = {
      type: "image_generation_call",
      id: "ig",
      status: "completed",
      result: "AQID",
      output_format: "webp",
    };
    const [call, picture] = partsOf([{ ...item, revised_prompt: "a cat" }]);
    expect(stateOf(call, "item")).not.toContain("AQID");
    expect(picture?.kind).toMatchObject({
      case: "media",
      value: { mimeType: "image/webp", generatedId: "ig", source: { value: new Uint8Array([1, 2, 3]) } },
    });
    const [, failed] = partsOf([{ ...item, result: null, status: "failed" }]);
    expect(failed?.kind).toMatchObject({ case: "toolResult", value: { isError: true } });
  });

  test.each<[object, Executor, FinishReason]>([
    [{ type: "computer_call", call_id: "c", action: { type: "click" } }, Executor.CALLER, FinishReason.TOOL_CALLS],
    [{ type: "apply_patch_call", call_id: "c", operation: {} }, Executor.CALLER, FinishReason.TOOL_CALLS],
    [{ type: "shell_call", call_id: "c", environment: null, action: {} }, Executor.CALLER, FinishReason.TOOL_CALLS],
    [
      { type: "shell_call", call_id: "c", environment: { type: "container_reference" }, action: {} },
      Executor.PROVIDER,
      FinishReason.STOP,
    ],
    [{ type: "tool_search_call", call_id: "c", execution: "client" }, Executor.CALLER, FinishReason.TOOL_CALLS],
    [{ type: "tool_search_call", execution: "server" }, Executor.PROVIDER, FinishReason.STOP],
  ])("%j is run by whom its item says", (item, executor, finish) => {
    const [candidate] = foldBody(answerOf([{ id: "i", ...item }])).candidates;
    expect(candidate?.finish?.reason).toBe(finish);
    expect(candidate?.message?.parts[0]?.kind).toMatchObject({ case: "toolCall", value: { executor } });
  });

  test("results in items of their own are the provider's", () => {
    const output = [{ stdout: "out", stderr: "err", outcome: { type: "exit", exit_code: 0 } }];
    const parts = partsOf([
      { type: "shell_call_output", id: "o", call_id: "c", output },
      { type: "program_output", id: "p", call_id: "d", result: "42" },
    ]);
    expect(parts).toMatchObject([
      { kind: { value: { callId: "c", name: "shell", content: [{}, {}], executor: Executor.PROVIDER } } },
      { kind: { value: { callId: "d", content: [{ kind: { value: { text: "42" } } }] } } },
    ]);
    expect(stateOf(parts[0], "item")).toContain('"exit_code":0');
  });

  test("a tool that looks like the caller's is not, where the provider is known to run it", () => {
    const output = [{ type: "custom_tool_call", id: "x", call_id: "c", name: "keyword_search", input: "q" }];
    expect(foldBody(answerOf(output)).candidates[0]?.finish?.reason).toBe(FinishReason.TOOL_CALLS);
    const [candidate] = foldBody(answerOf(output), targetWith({ provider_run_tools: "keyword_search" })).candidates;
    expect(candidate?.finish?.reason).toBe(FinishReason.STOP);
    expect(candidate?.message?.parts[0]?.kind).toMatchObject({ value: { executor: Executor.PROVIDER } });
  });

  test("an answer that waits for an approval is paused", () => {
    const asked = { type: "mcp_approval_request", id: "a", name: "delete", arguments: "{}", server_label: "s" };
    expect(foldBody(answerOf([asked])).candidates[0]).toMatchObject({
      finish: { reason: FinishReason.PAUSED },
      message: { parts: [{ kind: { case: "opaque", value: { nativeType: "mcp_approval_request" } } }] },
    });
  });
});
