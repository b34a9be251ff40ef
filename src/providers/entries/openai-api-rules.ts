import type { ApiRule } from "../entry.ts";

const CHECKED_ON = "2026-11-20";
const REASONING_GUIDE = "https://platform.openai.com/docs/guides/reasoning";
const KEEPS_REASONING =
  "only the Responses API takes the reasoning behind tool calls back, which chat completions lose";

/** Which of OpenAI's two APIs serves a model and a request; what no row fits goes to chat completions. */
export const openaiApiRules: readonly ApiRule[] = [
  {
    id: "api-chat-only",
    models: ["*-audio*", "*-search-preview*", "gpt-3.5*", "gpt-4", "gpt-4-0*", "gpt-4-turbo*"],
    when: "always",
    api: "chat",
    binding: true,
    summary: "the model hears, speaks, or searches through chat completions only, or is older than the Responses API",
    source: "https://platform.openai.com/docs/models",
    checkedOn: CHECKED_ON,
  },
  {
    id: "api-responses-only",
    models: ["o1-pro*", "o3-pro*", "gpt-5*-pro*", "*codex*", "*deep-research*", "computer-use-preview*"],
    when: "always",
    api: "responses",
    binding: true,
    summary: "the model is served by the Responses API only",
    source: "https://github.com/docker/docker-agent/issues/313",
    checkedOn: CHECKED_ON,
  },
  {
    // It does not reason unless it is told to, and then takes tools.
    id: "Q04",
    models: ["gpt-5.4*", "!gpt-5*-chat*"],
    when: "tools_with_effort",
    api: "responses",
    binding: true,
    summary: "chat completions refuse tools beside an effort of reasoning",
    source: "https://github.com/openai/openai-openapi/issues/541",
    checkedOn: CHECKED_ON,
  },
  {
    id: "Q04",
    models: ["gpt-5.5*", "gpt-5.6*", "gpt-5.7*", "gpt-5.8*", "gpt-5.9*", "gpt-6*", "!gpt-5*-chat*"],
    when: "tools_while_reasoning",
    api: "responses",
    binding: true,
    summary: "chat completions refuse tools while the model reasons, which it does unless it is told not to",
    source: "https://github.com/danny-avila/LibreChat/issues/14231",
    checkedOn: CHECKED_ON,
  },
  {
    id: "api-keeps-reasoning",
    models: ["gpt-5.1*", "gpt-5.2*", "!gpt-5*-chat*"],
    when: "tools_with_effort",
    api: "responses",
    binding: false,
    summary: KEEPS_REASONING,
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
  {
    id: "api-keeps-reasoning",
    models: ["o1*", "o3*", "o4*", "gpt-5", "gpt-5-*", "gpt-5.3*", "!gpt-5*-chat*", "!o1-mini*", "!o1-preview*"],
    when: "tools_while_reasoning",
    api: "responses",
    binding: false,
    summary: KEEPS_REASONING,
    source: REASONING_GUIDE,
    checkedOn: CHECKED_ON,
  },
];
