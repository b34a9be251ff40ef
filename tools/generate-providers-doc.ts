// Writes docs/providers.md from the provider entries, so that the page cannot differ from what they do.
// Run after every change of an entry: npm run gen:docs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCatalog } from "../src/catalog/catalog.ts";
import { PROVIDER_ENTRIES } from "../src/providers/entries/index.ts";
import type { ModelQuirk, ProviderEntry } from "../src/providers/entry.ts";
import { kindOf } from "../src/providers/kind.ts";

/** Where the page stands. */
export const PROVIDERS_DOC_PATH = join(import.meta.dirname, "../docs/providers.md");

/** What the table calls a translation that no recording proves. */
export const UNVERIFIED = "**none**";

/** The page, made from the entries as they are now. */
export function providersDoc(): string {
  const entries = [...PROVIDER_ENTRIES.values()].filter(({ kind }) => kind !== "sandbox");
  return [...introduction(entries), ...entries.flatMap(section)].join("\n");
}

function introduction(entries: readonly ProviderEntry[]): string[] {
  const unverified = entries.filter(({ verified }) => verified === "none");
  return [
    "<!-- Written by tools/generate-providers-doc.ts from src/providers/entries: npm run gen:docs. Do not edit. -->",
    "",
    "# Provider kinds",
    "",
    "What `kind` of a provider in the configuration may say. A variable makes a provider of its kind where there is no",
    "configuration file. Everything that a vendor does otherwise than its wire format says is dated data with its source; the",
    "chapters below list it, and [quirks.md](quirks.md) tells of each known quirk where it is dealt with.",
    "",
    "*Verified* says how the translation is proven: on recordings of the vendor's own traffic, or not at all. ModelService",
    "tells the same of each model, as `VERIFICATION_RECORDED` and `VERIFICATION_NONE`. There are no recordings of",
    `${unverified.map(({ displayName }) => displayName).join(", ")}.`,
    "",
    ...table(
      ["kind", "provider", "wire formats", "credential", "variables", "models known", "verified"],
      entries.map(row),
    ),
    "",
  ];
}

function row(entry: ProviderEntry): string[] {
  const { credentials, needsCredential, needsBaseUrl } = kindOf(entry);
  const { apiKey, baseUrl, address } = entry.environment;
  const variables = [...apiKey, ...baseUrl, ...(address ? [address.variable] : [])];
  return [
    code(entry.kind),
    entry.displayName,
    entry.apis.map(({ dialect }) => code(dialect.id)).join(", "),
    `${credentials.map(code).join(", ")}${needsCredential ? "" : " (optional)"}${needsBaseUrl ? `, and ${code("base_url")}` : ""}`,
    variables.map(code).join(", "),
    String(createCatalog().ofKind(entry.kind).modelIds.length),
    entry.verified === "none" ? UNVERIFIED : "recordings",
  ];
}

function section(entry: ProviderEntry): string[] {
  const { apis, apiRules = [], parameters = [] } = entry;
  const several = apis.length > 1;
  return [
    `## ${entry.displayName}`,
    "",
    `${code(`kind: ${entry.kind}`)}, ${addressOf(entry)}. Checked on ${entry.checkedOn} against <${entry.docs}>.`,
    "",
    ...parameters.map(({ name, required, usual, regionUnless }) => {
      const unset = usual === undefined ? "" : `, ${code(usual)} unless set`;
      const region = regionUnless
        ? `, and the ${code("region")} unless it is ${regionUnless.map(code).join(" or ")}`
        : "";
      return `- ${code(name)}: ${required ? "required" : "optional"}, part of the address${unset}${region}`;
    }),
    ...(parameters.length > 0 ? [""] : []),
    ...(several ? apiPart(entry, apiRules) : []),
    ...apis.flatMap((api) =>
      api.quirks.length === 0
        ? []
        : [
            ...(several ? [`Through ${code(api.name)}:`, ""] : []),
            ...table(
              ["quirk", "models", "what is different", "source", "checked on"],
              api.quirks.map((quirk) => [
                quirk.id,
                modelsOf(quirk),
                quirk.summary,
                `<${quirk.source}>`,
                quirk.checkedOn,
              ]),
            ),
            "",
          ],
    ),
  ];
}

function apiPart(entry: ProviderEntry, rules: NonNullable<ProviderEntry["apiRules"]>): string[] {
  const [first] = entry.apis;
  const names = entry.apis.map(({ name, dialect }) => `${code(`api: ${name}`)} (${code(dialect.id)})`).join(" and ");
  return [
    `It has ${names}. With ${code("api: auto")} the first row that fits decides, else ${code(first.name)}:`,
    "",
    ...table(
      ["rule", "models", "requests", "API", "why", "source"],
      rules.map(({ id, models, when, api, binding, summary, source }) => [
        id,
        models.map(code).join(" "),
        WHEN[when],
        binding ? code(api) : `${code(api)}, unless only ${code(first.name)} can honour the request`,
        summary,
        `<${source}>`,
      ]),
    ),
    "",
  ];
}

const WHEN: Readonly<Record<NonNullable<ProviderEntry["apiRules"]>[number]["when"], string>> = {
  always: "all",
  tools_with_effort: "with tools and an effort of reasoning",
  tools_while_reasoning: "with tools, unless reasoning is switched off",
};

function addressOf({ baseUrl, baseUrlsOf = [] }: ProviderEntry): string {
  if (baseUrl === undefined) return `at the ${code("base_url")} of the configuration`;
  const others = baseUrlsOf.map(
    ({ parameter, values, baseUrl: other }) => `${code(other)} for ${parameter} ${values.map(code).join(" and ")}`,
  );
  return [`at ${code(baseUrl)}`, ...others].join(", ");
}

function modelsOf({ models, beforeApiVersion }: ModelQuirk): string {
  const all = models.length === 1 && models[0] === "*" ? "all" : models.map(code).join(" ");
  return beforeApiVersion === undefined ? all : `${all}, before ${code(`api_version: ${beforeApiVersion}`)}`;
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
  writeFileSync(PROVIDERS_DOC_PATH, providersDoc());
  console.log(`Wrote ${PROVIDERS_DOC_PATH}`);
}
