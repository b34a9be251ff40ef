import type { ProviderEntry } from "../entry.ts";
import { openaiCompatible } from "./openai-compatible.ts";
import { openai } from "./openai.ts";
import { sandbox } from "./sandbox.ts";

/** All vendors by their kind. */
export const PROVIDER_ENTRIES: ReadonlyMap<string, ProviderEntry> = new Map(
  [openai, openaiCompatible, sandbox].map((entry) => [entry.kind, entry]),
);
