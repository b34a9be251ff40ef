import type { ShimClient } from "./client.ts";
import { langchainClient } from "./langchain.ts";
import { openaiClient } from "./openai.ts";
import { vercelAiClient } from "./vercel-ai.ts";

export { openaiClient };

/** The clients. */
export const SHIM_CLIENTS: readonly ShimClient[] = [openaiClient, vercelAiClient, langchainClient];
