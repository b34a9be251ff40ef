import type { ReasoningVendor, Turn } from "./vendor.ts";

/** The Gemini API: what follows on thoughts, the first call or the text, carries their signature; calls have no ids. */
export const geminiVendor: ReasoningVendor = {
  kind: "gemini",
  model: "gemini-3-pro-preview",
  settings: "",
  whole: (turn) => answerOf(partsOf(turn), true),
  events: (turn) => partsOf(turn).map((part, at, all) => [undefined, answerOf([part], at === all.length - 1)]),
  resultsIn: ({ contents }) =>
    contents.flatMap(({ parts }: any) => parts).filter(({ functionResponse }: any) => functionResponse).length,
  statesIn: ({ contents }) =>
    contents
      .filter(({ role }: any) => role === "model")
      .map(({ parts }: any) => parts.find(({ thought }: any) => !thought)?.thoughtSignature),
  isStream: (path) => path.includes(":streamGenerateContent"),
};

function partsOf({ thought, state, cities, text }: Turn): unknown[] {
  const thoughts = { text: thought, thought: true };
  if (cities.length === 0) return [thoughts, { text, thoughtSignature: state }];
  const calls = cities.map((city, at) => ({
    functionCall: { name: "weather", args: { city } },
    ...(at === 0 ? { thoughtSignature: state } : {}),
  }));
  return [thoughts, ...calls];
}

function answerOf(parts: unknown[], isLast: boolean): unknown {
  return {
    candidates: [{ content: { role: "model", parts }, index: 0, ...(isLast ? { finishReason: "STOP" } : {}) }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  };
}
