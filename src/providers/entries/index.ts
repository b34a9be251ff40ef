import type { ProviderEntry } from "../entry.ts";
import { anthropic } from "./anthropic.ts";
import { azureOpenai } from "./azure-openai.ts";
import { cerebras } from "./cerebras.ts";
import { dashscope } from "./dashscope.ts";
import { deepseek } from "./deepseek.ts";
import { fireworks } from "./fireworks.ts";
import { gemini } from "./gemini.ts";
import { groq } from "./groq.ts";
import { huggingface } from "./huggingface.ts";
import { llamacpp } from "./llamacpp.ts";
import { lmstudio } from "./lmstudio.ts";
import { mistral } from "./mistral.ts";
import { moonshot } from "./moonshot.ts";
import { nvidia } from "./nvidia.ts";
import { ollama } from "./ollama.ts";
import { openaiCompatible } from "./openai-compatible.ts";
import { openai } from "./openai.ts";
import { openrouter } from "./openrouter.ts";
import { perplexity } from "./perplexity.ts";
import { sandbox } from "./sandbox.ts";
import { together } from "./together.ts";
import { vertex } from "./vertex.ts";
import { vllm } from "./vllm.ts";
import { xai } from "./xai.ts";
import { zai } from "./zai.ts";

const ENTRIES: readonly ProviderEntry[] = [
  openai,
  anthropic,
  gemini,
  azureOpenai,
  vertex,
  mistral,
  deepseek,
  dashscope,
  xai,
  groq,
  openrouter,
  together,
  fireworks,
  cerebras,
  perplexity,
  moonshot,
  zai,
  nvidia,
  huggingface,
  ollama,
  vllm,
  llamacpp,
  lmstudio,
  openaiCompatible,
  sandbox,
];

/** All vendors by their kind. */
export const PROVIDER_ENTRIES: ReadonlyMap<string, ProviderEntry> = new Map(
  ENTRIES.map((entry) => [entry.kind, entry]),
);
