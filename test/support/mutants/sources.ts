import { corpusCases, type CorpusCase } from "../corpus.ts";
import { eventsOf, isStream, streamOf, type Source } from "./answer.ts";
import { OWN_ANSWERS } from "./own-answers.ts";

const DIALECTS: Readonly<Record<string, string>> = {
  "openai.chat": "openai-chat",
  "openai-compat.chat": "openai-chat",
  "mistral.chat": "openai-chat",
  "openai.responses": "openai-responses",
  "anthropic.messages": "anthropic-messages",
  "gemini.generateContent": "gemini-generate",
};
const RECORDINGS = 315;
const MAX_ALIKE = 2;

/** The answers that mutants are made of: the recordings, or where there are none our own, and how they are called. */
export function mutantSources(): { readonly kind: string; readonly sources: readonly Source[] } {
  const cases = corpusCases(Object.keys(DIALECTS), RECORDINGS);
  if (cases) return { kind: "recordings", sources: cases.map(fromRecording) };
  process.stderr.write("\nMutants are made of our own answers instead of recordings\n");
  return { kind: "our own answers", sources: OWN_ANSWERS };
}

function fromRecording(recording: CorpusCase): Source {
  const { file, provider, api, kind, status, headers, model = "recorded" } = recording;
  const body = Buffer.from(recording.bodyText);
  const type = isStream(body) ? "text/event-stream" : "application/json";
  return {
    name: file,
    dialect: DIALECTS[api] ?? "",
    provider,
    model,
    status,
    headers: { "content-type": type, ...lowerCase(headers) },
    body: isStream(body) ? Buffer.from(streamOf(withoutRuns(eventsOf(recording.bodyText)))) : body,
    stream: kind === "stream",
    ending: "end",
  };
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

// A hundred deltas in a row show no more than two, and take their time.
function withoutRuns(events: readonly string[]): string[] {
  let before = "";
  let alike = 0;
  return events.filter((event) => {
    const shape = event.replaceAll(/"(?:[^"\\]|\\.)*"(?!\s*:)|[\d.]+/g, "");
    alike = shape === before ? alike + 1 : 1;
    before = shape;
    return alike <= MAX_ALIKE;
  });
}
