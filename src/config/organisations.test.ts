import { describe, expect, test } from "vitest";
import { KNOWN } from "./known-names.fixture.ts";
import { loadConfig, type LoadedConfig } from "./load.ts";
import { ConfigError } from "./problem.ts";

function load(text: string): LoadedConfig {
  const readFile = (path: string): string => {
    if (path === "/srv/parley.yaml") return text;
    throw Object.assign(new Error(path), { code: "ENOENT" });
  };
  return loadConfig({ argv: [], env: {}, cwd: "/srv", known: KNOWN, readFile });
}

function problemsOf(text: string): string[] {
  try {
    load(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, key, message }) => `${line}:${column} ${key}: ${message}`);
  }
  return [];
}

const ORGANISATIONS = `version: 1
policies: { company: {}, search-team: {} }
organisations:
  acme: { policy: company, projects: { search: { policy: search-team }, ads: {} } }
  other: { projects: { search: {} } }
keys:
`;

describe("organisations", () => {
  test("are read with their projects, and keys belong to them", () => {
    const { config } = load(
      `${ORGANISATIONS}  - { name: ci, key: 0123456789abcdef, project: acme/search, role: viewer, scopes: [chat] }
  - { name: batch, key: 0123456789abcdeg, organisation: acme }
`,
    );
    expect(config.organisations).toEqual([
      {
        name: "acme",
        policy: "company",
        projects: [
          { name: "search", policy: "search-team" },
          { name: "ads", policy: undefined },
        ],
      },
      { name: "other", policy: undefined, projects: [{ name: "search", policy: undefined }] },
    ]);
    expect(config.keys).toMatchObject([
      { name: "ci", project: "acme/search", organisation: undefined, role: "viewer", scopes: ["chat"] },
      { name: "batch", organisation: "acme", project: undefined, role: "chat" },
    ]);
  });

  test.each<[string, string]>([
    ["project: acme/serch", '7:49 keys[0].project: no project is named "acme/serch"; did you mean acme/search?'],
    ["project: search", '7:49 keys[0].project: no project is named "search"'],
    ["organisation: acne", '7:54 keys[0].organisation: no organisation is named "acne"; did you mean acme?'],
    [
      "organisation: other, project: acme/search",
      '7:70 keys[0].project: the project "acme/search" is not of the organisation of this key',
    ],
    [
      "role: admin, organisation: acme",
      "7:67 keys[0].organisation: an administrator's key may do everything: remove the organisation",
    ],
    ["role: chef", '7:46 keys[0].role: expected admin, chat or viewer, got "chef"'],
    ["scopes: [fly]", '7:49 keys[0].scopes[0]: expected chat or models:read, got "fly"'],
  ])("a key with %s", (member, problem) => {
    const [found = ""] = problemsOf(`${ORGANISATIONS}  - { name: ci, key: 0123456789abcdef, ${member} }\n`);
    expect(found).toBe(problem);
  });

  test("have proper names and policies that exist", () => {
    expect(
      problemsOf(`version: 1
policies: { company: {} }
organisations:
  a/b: { policy: compny }
  acme: { projects: { "x y": { policy: none }, z: { budget: 1 } } }
`).map((text) => text.replace(/(expected a name).*/, "$1")),
    ).toEqual([
      '4:3 organisations["a/b"]: expected a name',
      '4:18 organisations["a/b"].policy: no policy is named "compny"; did you mean company?',
      '5:23 organisations.acme.projects["x y"]: expected a name',
      '5:40 organisations.acme.projects["x y"].policy: no policy is named "none"',
      "5:53 organisations.acme.projects.z.budget: unknown key; known here: policy",
    ]);
  });
});
