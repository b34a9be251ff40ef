// Writes the tables of docs/keys.md from the roles and from who may call what, so that they cannot differ from the check.
// Run after every change of either: npm run gen:docs
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROLE_NAMES, ROLES, SCOPES } from "../src/policy/identity/roles.ts";
import { ACCESS } from "../src/surfaces/connect/access.ts";

/** Where the page stands. */
export const KEYS_DOC_PATH = join(import.meta.dirname, "../docs/keys.md");

const BEGIN = "<!-- Written by tools/generate-keys-doc.ts: npm run gen:docs. Do not edit. -->";
const END = "<!-- End of what is written. -->";

/** The page with its tables as they are now. */
export function keysDoc(page: string): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const after = rest.slice(rest.indexOf(END));
  return [before + BEGIN, "", ...roles(), "", ...methods(), "", after].join("\n");
}

function roles(): string[] {
  return [
    "| role | what for | scopes |",
    "|---|---|---|",
    ...ROLE_NAMES.map((role) => {
      const scopes = role === "admin" ? "all" : ROLES[role].scopes.map((scope) => `\`${scope}\``).join(", ");
      return `| \`${role}\` | ${ROLES[role].what} | ${scopes} |`;
    }),
  ];
}

function methods(): string[] {
  return [
    `| method | scope | ${ROLE_NAMES.map((role) => `\`${role}\``).join(" | ")} | the scope |`,
    `|---|---|${ROLE_NAMES.map(() => "---|").join("")}---|`,
    ...ACCESS.flatMap(({ scopes }) =>
      [...scopes].map(([method, scope]) => {
        const marks = ROLE_NAMES.map((role) => (ROLES[role].scopes.includes(scope) ? "yes" : ""));
        return `| ${method.parent.name}.${method.name} | \`${scope}\` | ${marks.join(" | ")} | ${SCOPES[scope]} |`;
      }),
    ),
  ];
}

if (import.meta.main) writeFileSync(KEYS_DOC_PATH, keysDoc(readFileSync(KEYS_DOC_PATH, "utf8")));
