import { expect, test } from "vitest";
import { unusableSettings } from "../../dialects/openai-responses/index.ts";
import { quirksFor } from "../entry.ts";
import { openai } from "./openai.ts";
import { openaiResponsesQuirks, openaiResponsesSettings } from "./openai-responses-settings.ts";

test("what is known of OpenAI's use of the dialect takes effect", () => {
  expect(unusableSettings(openaiResponsesSettings)).toEqual([]);
  for (const quirk of openaiResponsesQuirks) {
    expect(unusableSettings(quirk.settings ?? {})).toEqual([]);
    expect(Object.keys(quirk.settings ?? {}).length + (quirk.rejects ?? []).length).toBeGreaterThan(0);
    expect(quirk.source).toMatch(/^https:\/\//);
    expect(quirk.checkedOn).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  }
});

test("what holds for a model on both APIs is known at both", () => {
  const [chat, responses] = openai.apis;
  const shared = (api = chat) => quirksFor(openai, "gpt-5-mini", api).filter(({ id }) => id === "Q03" || id === "Q12");
  expect(shared().map(({ settings }) => settings)).toEqual([
    { sampling_with: "effort_none" },
    { efforts: "minimal,low,medium,high" },
  ]);
  expect(shared(responses)).toEqual(shared());
});
