// Writes docs/sandbox.md from the sandbox's own tables, so that the page cannot differ from what the models do.
// Run after every change of a model or a setting: npm run gen:docs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SETTINGS, type SettingName } from "../src/sandbox/model-name.ts";
import { SANDBOX_MODELS, type ExpectedOutcome, type SandboxModel } from "../src/sandbox/index.ts";

/** Where the page stands. */
export const SANDBOX_DOC_PATH = join(import.meta.dirname, "../docs/sandbox.md");

type Values = SandboxModel["settings"];

/** The page, made from the tables as they are now. */
export function sandboxDoc(): string {
  const answers = SANDBOX_MODELS.filter(({ group }) => group === "answer");
  const faults = SANDBOX_MODELS.filter(({ group }) => group === "fault");
  return [
    ...introduction(answers.length, faults.length),
    "## Models that answer",
    "",
    ...table(
      ["model", "what it does", "unary", "streamed", "settings of its own"],
      answers.map((model) => [code(model.name), model.summary, model.unary, model.stream, ownSettings(model, answers)]),
    ),
    "",
    "## Models that break",
    "",
    "A failure before content can be rescued by another target without the caller noticing; after content the answer ends",
    "with a typed failure and what was delivered. The last columns say what a gateway with default settings makes of one",
    "attempt over chat completions; the list below the table names what ends otherwise elsewhere.",
    "",
    ...table(
      ["model", "what it does", "unary", "streamed", "unary ends as", "streamed ends as", "settings of its own"],
      faults.map((model) => [
        code(model.name),
        model.summary,
        model.unary,
        model.stream,
        outcome(model.expected.unary),
        outcome(model.expected.stream),
        ownSettings(model, faults),
      ]),
    ),
    "",
    ...deviationsPart(),
    "",
    ...settingsPart(answers, faults),
    ...booksPart(),
  ].join("\n");
}

function introduction(answers: number, faults: number): string[] {
  return [
    "<!-- Written by tools/generate-sandbox-doc.ts from src/sandbox: npm run gen:docs. Do not edit. -->",
    "",
    "# The sandbox",
    "",
    "Small upstreams that speak the providers' real wire formats over loopback HTTP, so that the gateway's own client, framing",
    "and decoders run, without a key and without a network. They run inside the gateway where there is no configuration file,",
    "or with `sandbox: true` in it; their models are then called `sandbox/<model>`. Alone, for any client of a vendor's API:",
    "",
    "```sh",
    "npm start -- sandbox --port 9000   # with any key but the word invalid",
    "```",
    "",
    `${answers} models answer and ${faults} break, each in its own way. Words after an \`@\` change a model: for example`,
    "`sandbox/story@tokens=500,delay_ms=5` tells a longer story faster, and `sandbox/fault-cut@after=3` loses the connection",
    "after three tokens.",
    "",
    ...formatsPart(),
  ];
}

function formatsPart(): string[] {
  const rows = [
    ["OpenAI chat completions", "`sandbox/<model>`", "`/v1`", "`POST /chat/completions`", "`openai-compatible`"],
    ["OpenAI Responses", "`sandbox-responses/<model>`", "`/v1`", "`POST /responses`", "`openai` with `api: responses`"],
    ["Anthropic Messages", "`sandbox-anthropic/<model>`", "`/v1`", "`POST /messages`", "`anthropic`"],
    [
      "Gemini generateContent",
      "`sandbox-gemini/<model>`",
      "`/v1beta`",
      "`POST /models/<model>:generateContent`, `:streamGenerateContent`",
      "`gemini`",
    ],
  ];
  return [
    "## Wire formats",
    "",
    "Every model speaks every format as its vendor does: authorisation, refusals of bad requests, events, errors, endings and",
    "usage. Inside the gateway each format is a provider of its own, of which only the first lists its models. Alone, the",
    "sandbox takes the place of the vendor: any client, or a gateway's provider of the kind below, with the base URL",
    "`http://127.0.0.1:9000` and the path.",
    "",
    ...table(["wire format", "inside the gateway", "base path", "request", "kind of provider"], rows),
    "",
    "```yaml",
    "providers:",
    '  far-side: { kind: anthropic, base_url: "http://127.0.0.1:9000/v1", api_key: any }   # far-side/story, far-side/fault-cut',
    "```",
    "",
    "What a vendor signs or encrypts, the sandbox does too (`think`): reasoning that does not come back as it was, or is",
    "missing where the vendor wants it, is refused in the vendor's words.",
    "",
  ];
}

function deviationsPart(): string[] {
  return SANDBOX_MODELS.flatMap(({ name, unlike }) =>
    Object.entries(unlike).map(([format, expected]) => {
      const ends = Object.entries(expected).map(([mode, one]) => `${mode} ends as ${outcome(one)}`);
      return `- ${code(name)} over ${code(format)}: ${[...new Set(ends)].join(", ")}.`;
    }),
  );
}

function settingsPart(answers: readonly SandboxModel[], faults: readonly SandboxModel[]): string[] {
  const names = Object.keys(SETTINGS) as SettingName[];
  const list = (settings: Partial<Values>): string => Object.keys(settings).map(code).join(", ");
  return [
    "## Settings",
    "",
    `Every model that answers takes ${list(shared(answers))}; every model that breaks takes ${list(shared(faults))}.`,
    "The tables above add each model's own, with their defaults. A setting that a model does not take is refused.",
    "",
    ...table(
      ["setting", "what it is", "value"],
      names.map((name) => {
        const { summary, max } = SETTINGS[name];
        return [code(name), summary, max === undefined ? "a word" : `0 to ${max.toLocaleString("en-US")}`];
      }),
    ),
    "",
    `Unless set, ${defaults(shared(faults))}.`,
    "",
  ];
}

function booksPart(): string[] {
  return [
    "## Its books",
    "",
    "The sandbox keeps its own records of what reached it, to compare with the gateway's: `GET /sandbox/books` on its own",
    "address gives each attempt with its model, status, tokens sent and how it ended (`completed`, `cut` by the sandbox,",
    "`client_closed`); `DELETE` forgets them, and what the models that break only once remember. `GET /sandbox/models` is this",
    "page as JSON.",
    "",
  ];
}

/** The settings that all of these models take, each with the default that most of them have. */
function shared(models: readonly SandboxModel[]): Partial<Values> {
  const names = Object.keys(models[0]?.settings ?? {}) as SettingName[];
  const common = names.filter((name) => models.every(({ settings }) => Object.hasOwn(settings, name)));
  return Object.fromEntries(common.map((name) => [name, mostFrequent(models.map(({ settings }) => settings[name]))]));
}

// Not by sorting, which puts undefined last however often it stands there.
function mostFrequent<T>(values: readonly T[]): T | undefined {
  const count = (value: T | undefined): number => values.filter((one) => one === value).length;
  return values.reduce<T | undefined>((best, value) => (count(value) > count(best) ? value : best), values[0]);
}

function ownSettings({ settings }: SandboxModel, group: readonly SandboxModel[]): string {
  const common = shared(group);
  const entries = Object.entries(settings) as [SettingName, Values[SettingName]][];
  const own = entries.filter(([name, value]) => !Object.hasOwn(common, name) || common[name] !== value);
  return own.map(([name, value]) => code(value === undefined ? name : `${name}=${value}`)).join(", ");
}

function defaults(settings: Partial<Values>): string {
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return set.map(([name, value]) => `${code(name)} is ${value}`).join(", ");
}

const CLASSES: Readonly<Record<ExpectedOutcome["class"], string>> = {
  answer: "an answer",
  fails_before_content: "before content",
  fails_after_content: "after content",
  caller_error: "the caller's error",
  answer_or_failure: "an answer, or",
};

function outcome({ class: kind, reason }: ExpectedOutcome): string {
  return reason === undefined ? CLASSES[kind] : `${CLASSES[kind]}: ${code(reason)}`.replace("or:", "or");
}

function table(heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heading), line(heading.map(() => "---")), ...rows.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}

if (import.meta.main) {
  writeFileSync(SANDBOX_DOC_PATH, sandboxDoc());
  console.log(`Wrote ${SANDBOX_DOC_PATH}`);
}
