export { type ExpectedOutcome, type SandboxModel } from "./model-row.ts";
export { expectedOf, SANDBOX_MODELS } from "./models.ts";
export { type Sandbox, type SandboxOptions, startSandbox } from "./sandbox.ts";
export { storyText, storyTokens } from "./story.ts";
