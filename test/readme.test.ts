import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { storyText } from "../src/sandbox/index.ts";
import {
  projectDir,
  runToEnd,
  startGatewayProcess,
  strangersPath,
  TestFolder,
  type GatewayProcess,
} from "./support/process.ts";

// What the README says works is run as it stands there, against a running gateway; only its address and its data folder
// are put in place of the defaults.
const timeout = 60_000;
const ADDRESS = "http://127.0.0.1:8080";
const KEY_FILE = /\bdata\/(?=\w+\.key)/g;

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(file: string): Block[] {
  const text = readFileSync(join(projectDir, file), "utf8");
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = "", body = ""]) => ({
    language,
    text: body,
  }));
}

const json = (text: string) => JSON.parse(text);
const deltasOf = (text: string): string =>
  [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, line = ""]) => json(line).choices[0]?.delta.content ?? "").join("");

/** A block by what is in it, and what it must print. Each block of the README meets one of these rows. */
interface Row {
  readonly language: "sh" | "ts";
  readonly has: string;
  readonly check: (stdout: string) => void;
}

const ROWS: readonly Row[] = [
  {
    language: "sh",
    has: '"stream":true',
    check: (stdout) => {
      expect(stdout.trimEnd().endsWith("data: [DONE]")).toBe(true);
      expect(deltasOf(stdout)).toBe(storyText);
    },
  },
  {
    language: "sh",
    has: "ChatService/Generate \\",
    check: (stdout) => expect(json(stdout).response.candidates[0].message.parts[0].text.text).toBe("Hello"),
  },
  {
    language: "sh",
    has: "curl --protocol grpc",
    check: (stdout) => {
      expect(stdout).toMatch(/"completed": \{/);
      const texts = [...stdout.matchAll(/"blockDelta": \{[^}]*"text": (".*")/g)].map(([, text = ""]) => json(text));
      expect(texts.join("")).toBe(storyText);
    },
  },
  {
    language: "sh",
    has: "failover-demo",
    check: (stdout) => {
      const [head = "", body = ""] = stdout.split("\r\n\r\n");
      expect(head.toLowerCase()).toContain("\r\nx-parley-attempts: 2\r\n");
      expect(head.toLowerCase()).toContain("\r\nx-parley-provider: sandbox\r\n");
      expect(json(body).parley.attempts).toHaveLength(2);
      expect(json(body).choices[0].message.content).toBe(storyText);
    },
  },
  { language: "ts", has: "@parley-gateway/sdk", check: (stdout) => expect(stdout).toBe(storyText) },
  { language: "ts", has: 'from "openai"', check: (stdout) => expect(stdout).toBe("Hello\n") },
];

const blocks = blocksOf("README.md");
const isOfNpmAlone = ({ text }: Block): boolean => text.split("\n").every((line) => /^(npm .*)?$/.test(line));
const runnable = blocks.filter((block) => ["sh", "ts"].includes(block.language) && !isOfNpmAlone(block));

describe("the README's code", { timeout }, () => {
  let folder: TestFolder;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    folder = new TestFolder();
    installSdk(folder);
    gateway = await startGatewayProcess(folder);
  }, timeout);

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const inPlace = (text: string): string =>
    text.replaceAll(ADDRESS, gateway.url).replaceAll(KEY_FILE, `${gateway.dataDir}/`);

  test("is known to these tests, block by block", () => {
    const found = runnable.map((block) =>
      ROWS.filter((row) => row.language === block.language && block.text.includes(row.has)),
    );
    expect(found.map((rows, index) => [runnable[index]?.text, rows.length])).toEqual(
      runnable.map(({ text }) => [text, 1]),
    );
    expect(new Set(found.flat()).size).toBe(ROWS.length);
  });

  test.each(ROWS)("runs and prints what it says: $language with $has", async ({ language, has, check }) => {
    const block = runnable.find((one) => one.language === language && one.text.includes(has));
    if (!block) throw new Error("Cannot run the block: it is not in the README");
    const text = inPlace(block.text);
    expect(text).not.toContain("8080");
    const command =
      language === "sh"
        ? { name: "sh", args: ["-e", "-c", text] }
        : { name: "node", args: [folder.write("block.ts", text)] };
    // A stranger's shell in the repository; what npx runs has to be there without a network.
    const env = language === "sh" ? { PATH: strangersPath(), npm_config_offline: "true" } : {};
    const cwd = language === "sh" ? projectDir : folder.path;
    const { code, stdout, stderr } = await runToEnd(command.name, command.args, { cwd, env, isGroup: true });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    check(stdout);
  });

  test("compiles, where it is TypeScript", async () => {
    for (const [index, { text }] of runnable.filter(({ language }) => language === "ts").entries())
      folder.write(`strict-${index}.ts`, text);
    const compilerOptions = {
      module: "nodenext",
      target: "esnext",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ["node"],
    };
    folder.write("tsconfig.json", JSON.stringify({ compilerOptions, include: ["strict-*.ts"] }));
    const { code, stdout } = await runToEnd(join(projectDir, "node_modules/.bin/tsc"), ["-p", "."], {
      cwd: folder.path,
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
  });
});

/** Builds the SDK into a folder as if it had been installed there, with the other packages that the README imports. */
function installSdk(folder: TestFolder): void {
  const modules = folder.folder("node_modules");
  const sdk = folder.folder("node_modules/@parley-gateway/sdk");
  const tsc = ["-p", join(projectDir, "sdk/tsconfig.build.json"), "--outDir", join(sdk, "dist")];
  execFileSync(join(projectDir, "node_modules/.bin/tsc"), tsc, { stdio: "inherit" });
  cpSync(join(projectDir, "sdk/package.json"), join(sdk, "package.json"));
  for (const name of ["@bufbuild", "@connectrpc", "@types", "openai", "undici-types"]) {
    const installed = join(projectDir, "node_modules", name);
    if (existsSync(installed)) symlinkSync(installed, join(modules, name));
  }
  folder.write("package.json", JSON.stringify({ private: true, type: "module" }));
}

const pages = ["*.md", "docs/**/*.md", "bench/*.md", "sdk/*.md"].flatMap((pattern) =>
  globSync(pattern, { cwd: projectDir }),
);
const linked = pages.filter((page) => !page.startsWith("sdk/node_modules"));

describe.each(linked.map((page) => [page]))("%s", (page) => {
  const text = readFileSync(join(projectDir, page), "utf8");
  const prose = text.replaceAll(/^```.*?^```$/gms, "");

  test("links to files and headings that exist", () => {
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => !/^[a-z]+:/.test(link)).filter((link) => !exists(page, link));
    expect(broken).toEqual([]);
  });

  test("names files of the repository that exist", () => {
    const names = [...prose.matchAll(/`((?:src|sdk|test|tools|scripts|docs|proto|bench|third_party)\/[\w./-]*)`/g)];
    const missing = names.map(([, name = ""]) => name).filter((name) => !existsSync(join(projectDir, name)));
    expect(missing).toEqual([]);
  });

  test("names npm scripts that exist", () => {
    const manifest = json(readFileSync(join(projectDir, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const commands = [...text.matchAll(/\bnpm (?:(start|test)\b|run (?:-s )?([\w:]+))/g)];
    const unknown = commands
      .map(([, short, name]) => short ?? name ?? "")
      .filter((name) => !(name in manifest.scripts));
    expect(unknown).toEqual([]);
  });
});

function exists(page: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const file = path === "" ? join(projectDir, page) : join(projectDir, dirname(page), path);
  if (!existsSync(file)) return false;
  if (heading === undefined) return true;
  const headings = [...readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) => title);
  return headings.some(
    (title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-") === heading,
  );
}

test("the check of links reports what it should", () => {
  expect(exists("README.md", "CONTRIBUTING.md")).toBe(true);
  expect(exists("README.md", "CONTRIBUTING.md#how-to-add-a-dialect")).toBe(true);
  expect(exists("README.md", "#run-it")).toBe(true);
  expect(exists("README.md", "#walk-it")).toBe(false);
  expect(exists("docs/decisions/README.md", "../nothing.md")).toBe(false);
});
