import { describe, expect, test } from "vitest";
import { OffsetUnit, type ChatResponse, type Citation } from "../../contract/index.ts";
import { foldBody, foldStream, piece } from "./target.fixture.ts";

function cited(response: ChatResponse): [string, number | undefined, number | undefined, string][][] {
  return (response.candidates[0]?.message?.parts ?? []).flatMap(({ kind }) => {
    if (kind.case !== "text") return [];
    const bytes = Buffer.from(kind.value.text);
    return [
      kind.value.citations.map((one: Citation) => [
        one.url ?? "",
        one.outputStart,
        one.outputEnd,
        one.outputEnd === undefined ? "" : bytes.subarray(one.outputStart, one.outputEnd).toString(),
      ]),
    ];
  });
}

const web = (uri: string, title = "t") => ({ web: { uri, title } });
const support = (
  startIndex: number | undefined,
  endIndex: number,
  text: string | undefined,
  ...groundingChunkIndices: number[]
) => ({
  segment: { startIndex, endIndex, text },
  groundingChunkIndices,
});

describe("grounding becomes citations", () => {
  test("offsets count bytes of the text, one citation per statement and source", () => {
    const groundingMetadata = {
      groundingChunks: [web("https://a"), web("https://b"), web("https://c")],
      groundingSupports: [support(undefined, 6, "66 °", 0, 1), support(6, 8, "F", 1), support(0, 1, "6", 9)],
    };
    const text = "66 °F ok";
    groundingMetadata.groundingSupports[0] = support(undefined, 5, "66 °", 0, 1);
    groundingMetadata.groundingSupports[1] = support(5, 6, "F", 1);
    const response = foldBody(piece([{ text }], "STOP", { groundingMetadata }));
    expect(cited(response)).toEqual([
      [
        ["https://a", 0, 5, "66 °"],
        ["https://b", 0, 5, "66 °"],
        ["https://b", 5, 6, "F"],
        ["https://c", undefined, undefined, ""],
      ],
    ]);
    const kind = response.candidates[0]?.message?.parts[0]?.kind;
    expect(kind?.value).toMatchObject({
      citations: [{ title: "t", sourceIds: ["0"], offsetUnit: OffsetUnit.UTF8_BYTES }, {}, {}, {}],
    });
  });

  test("a citation finds its block, whatever index its segment names", () => {
    const groundingMetadata = {
      groundingChunks: [web("https://a")],
      groundingSupports: [support(0, 3, "two", 0), support(7, 10, "two", 0), support(0, 3, "one", 0)],
    };
    const parts = [{ text: "one " }, { text: "and", thoughtSignature: "s" }, { text: "two" }];
    expect(cited(foldBody(piece(parts, "STOP", { groundingMetadata })))).toEqual([
      [["https://a", 0, 3, "one"]],
      [],
      [
        ["https://a", 0, 3, "two"],
        ["https://a", 0, 3, "two"],
      ],
    ]);
  });

  test("offsets may count over the whole answer", () => {
    const groundingMetadata = {
      groundingChunks: [web("https://a")],
      groundingSupports: [support(8, 11, "two", 0), support(9, 11, undefined, 0)],
    };
    const parts = [{ text: "one " }, { text: "two two", thoughtSignature: "s" }];
    expect(cited(foldBody(piece(parts, "STOP", { groundingMetadata })))[1]).toEqual([
      ["https://a", 4, 7, "two"],
      ["https://a", 5, 7, "wo"],
    ]);
  });

  test("events that repeat the grounding cite once", () => {
    const groundingMetadata = { groundingChunks: [web("https://a")], groundingSupports: [support(0, 1, "x", 0)] };
    const answer = foldStream([
      piece([{ text: "x" }], undefined, { groundingMetadata }),
      piece([{ text: "y" }], "STOP", { groundingMetadata }),
    ]);
    expect(cited(answer)).toEqual([[["https://a", 0, 1, "x"]]]);
    expect(answer.candidates[0]?.message?.parts).toHaveLength(2);
  });

  test("a citation goes to the words near offsets that miss, to the offsets where there are no words, else nowhere", () => {
    const groundingMetadata = {
      groundingChunks: [web("https://a")],
      groundingSupports: [
        support(12, 16, "sun", 0),
        support(1, 4, undefined, 0),
        support(0, 99, "gone", 0),
        support(5, 4, "sun", 0),
      ],
    };
    expect(cited(foldBody(piece([{ text: "The sun is a sun." }], "STOP", { groundingMetadata })))).toEqual([
      [
        ["https://a", 4, 7, "sun"],
        ["https://a", 1, 4, "he "],
        ["https://a", undefined, undefined, ""],
        ["https://a", undefined, undefined, ""],
      ],
    ]);
  });

  test("documents, places and images keep what is told of them", () => {
    const document = { retrievedContext: { uri: "https://d", title: "D", text: "words", fileSearchStore: "s" } };
    const groundingMetadata = {
      groundingChunks: [document, { maps: { uri: "https://m" } }, { image: { sourceUri: "https://i" } }, {}],
    };
    const kind = foldBody(piece([{ text: "x" }], "STOP", { groundingMetadata })).candidates[0]?.message?.parts[0]?.kind;
    expect(kind?.value).toMatchObject({
      citations: [
        { url: "https://d", title: "D", citedText: "words", nativeJson: JSON.stringify(document) },
        { url: "https://m" },
        { url: "https://i" },
        { nativeJson: "{}" },
      ],
    });
  });

  test("metadata of the answer is kept word for word, once, also where there is no text to cite in", () => {
    const groundingMetadata = { searchEntryPoint: { renderedContent: "<b>" }, groundingChunks: [web("https://a")] };
    const urlContextMetadata = { urlMetadata: [{ retrievedUrl: "https://u" }] };
    const drawn = [{ inlineData: { mimeType: "image/png", data: "AQ==" } }];
    const response = foldStream([
      piece(drawn, undefined, { groundingMetadata, urlContextMetadata }),
      piece([], "STOP", { groundingMetadata: {}, urlContextMetadata }),
    ]);
    expect(response.candidates[0]?.message?.parts.slice(1).map(({ kind }) => kind.value)).toMatchObject([
      { nativeType: "groundingMetadata", json: JSON.stringify(groundingMetadata) },
      { nativeType: "urlContextMetadata", json: JSON.stringify(urlContextMetadata) },
    ]);
  });
});

test("recited sources become citations, in both ways of writing them and once each", () => {
  const source = { startIndex: 1, endIndex: 3, uri: "https://r", license: "mit" };
  const response = foldStream([
    piece([{ text: "abcd" }], undefined, { citationMetadata: { citationSources: [source] } }),
    piece([{ text: "ef" }], "STOP", { citationMetadata: { citations: [source, { uri: "https://s", title: "S" }] } }),
  ]);
  expect(cited(response)).toEqual([
    [
      ["https://r", 1, 3, "bc"],
      ["https://s", undefined, undefined, ""],
    ],
  ]);
  expect(response.candidates[0]?.message?.parts[0]?.kind.value).toMatchObject({
    citations: [{ nativeJson: JSON.stringify(source) }, { title: "S" }],
  });
});
