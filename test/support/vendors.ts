// The vendors whose names may appear in code only where their differences live, each with the words that give them away.
const vendors: Readonly<Record<string, readonly string[]>> = {
  openai: ["open-?ai", "gpt", "chatgpt"],
  anthropic: ["anthropic", "claude"],
  gemini: ["gemini", "vertex(-?ai)?"],
  bedrock: ["bedrock"],
  azure: ["azure"],
  mistral: ["mistral(-?ai)?", "codestral"],
  deepseek: ["deep-?seek"],
  dashscope: ["dash-?scope", "qwen"],
  xai: ["xai", "grok"],
  groq: ["groq"],
  openrouter: ["open-?router"],
  together: ["together-?ai"],
  fireworks: ["fireworks(-?ai)?"],
  cerebras: ["cerebras"],
  perplexity: ["perplexity"],
  moonshot: ["moonshot(-?ai)?", "kimi"],
  zai: ["zhipu", "bigmodel", "glm"],
  nvidia: ["nvidia"],
  huggingface: ["hugging-?face"],
  ollama: ["ollama"],
  cohere: ["cohere"],
};

const patterns = Object.entries(vendors).map(
  ([vendor, words]) => [vendor, new RegExp(`(?<![a-z])(${words.join("|")})(?![a-z])`)] as const,
);

// Places that are about vendors: their data, the application that wires the parts, and the far side of the wire.
const placesOfAllVendors = [
  "src/app.ts",
  "src/open-ports.ts",
  "src/catalog/",
  "src/providers/",
  "src/sandbox/",
  "src/config/zero-config",
  // One table of errors has a column for the words of each shim's protocol.
  "src/errors/catalogue.ts",
];

// Fields that a vendor named after itself, on the wire of a dialect it shares with others: a type has to spell them.
const wireFieldNames = new Set(["x_groq"]);

/** The vendors named in an identifier or a text, camel case and underscores understood. */
export function vendorsIn(text: string): string[] {
  const words = text
    .split(/\s+/)
    .filter((word) => !wireFieldNames.has(word))
    .join(" ")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
  return patterns.filter(([, pattern]) => pattern.test(words)).map(([vendor]) => vendor);
}

/** Which vendors a file may name: any, or those whose name is in the name of its dialect's or surface's folder. */
export function allowedVendors(path: string): "any" | string[] {
  if (placesOfAllVendors.some((place) => path.startsWith(place))) return "any";
  // Doors are named after the protocol that they speak, also where they are put together and listed.
  if (/^src\/surfaces\/(?:[^/]+|ops\/[^/]+)$/.test(path)) return ["openai", "anthropic"];
  const folder = /^src\/(?:dialects|surfaces)\/([^/]+)\//.exec(path)?.[1];
  return folder === undefined ? [] : vendorsIn(folder);
}
