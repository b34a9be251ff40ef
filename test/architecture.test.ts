import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { describe, expect, test } from "vitest";
import { compositionRoots, layers, outsideFolders, siblingFolders } from "../tools/layers.ts";
import { allowedVendors, vendorsIn } from "./support/vendors.ts";
import { parseSource, readSources, type ImportedModule, type SourceFile } from "./support/sources.ts";

const maxLines = 300;
// A table of cases is read differently from a story; beyond this it is two tables.
const maxTestLines = 600;
// Tests and what only they use.
const isTest = (file: SourceFile): boolean =>
  /(?:\.test|\.fixture|[/-]test-[a-z-]+|\.crash-child)\.ts$/.test(file.path);

const source = existsSync("src") ? readSources("src") : [];
const sdk = existsSync("sdk/src") ? readSources("sdk/src") : [];
const production = source.filter((file) => !isTest(file));

interface Place {
  /** The name under src/: a folder, or a file such as app.ts. */
  readonly top: string;
  /** Path below that name; empty for a file directly under src/. */
  readonly rest: string;
}

function placeOf(path: string): Place {
  const [, top = "", ...rest] = path.split("/");
  return { top, rest: rest.join("/") };
}

function resolveImport(file: SourceFile, imported: ImportedModule): string | undefined {
  return imported.specifier.startsWith(".") ? join(dirname(file.path), imported.specifier) : undefined;
}

/** Why this import breaks the table, or undefined where it is allowed. */
function layerViolation(file: SourceFile, imported: ImportedModule): string | undefined {
  const target = resolveImport(file, imported);
  if (target === undefined) return undefined;
  if (!target.startsWith("src/")) return outsideFolders.includes(target.split("/")[0] ?? "") ? "leaves src" : undefined;
  const from = placeOf(file.path);
  const to = placeOf(target);
  if (target.startsWith("src/contract/gen/") && from.top !== "contract") return "reaches past src/contract";
  if (compositionRoots.includes(from.top)) return undefined;
  if (from.top === to.top) return siblingViolation(from, to);
  const access = layers[from.top]?.[to.top];
  if (access === "all" || (access === "types" && imported.typeOnly)) return undefined;
  if (access?.startsWith("only ") && to.rest === access.slice("only ".length)) return undefined;
  if (access === undefined) return `${from.top} may not import ${to.top}`;
  return access === "types"
    ? `${from.top} may import types of ${to.top} only`
    : `${from.top} may import ${access} of ${to.top}`;
}

function siblingViolation(from: Place, to: Place): string | undefined {
  if (!siblingFolders.includes(from.top) || !from.rest.includes("/") || !to.rest.includes("/")) return undefined;
  const [here, there] = [from.rest.split("/")[0], to.rest.split("/")[0]];
  return here === there ? undefined : `${from.top}/${here} may not import its sibling ${there}`;
}

function violations(files: SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.imports.flatMap((imported) => {
      const why = layerViolation(file, imported);
      return why ? [`${file.path}:${imported.line} imports ${imported.specifier}: ${why}`] : [];
    }),
  );
}

/** Files that siblings share must not lead from one sibling to another by a detour. */
function sharedFilesThatImportSiblings(files: SourceFile[]): string[] {
  const importsOf = (file: SourceFile) => file.imports.flatMap((imported) => resolveImport(file, imported) ?? []);
  const inFolder = (path: string) =>
    siblingFolders.some((top) => path.startsWith(`src/${top}/`) && placeOf(path).rest.includes("/"));
  const shared = new Set(files.filter((file) => inFolder(file.path)).flatMap(importsOf));
  return files
    .filter((file) => shared.has(file.path) && siblingFolders.includes(placeOf(file.path).top) && !inFolder(file.path))
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => inFolder(target) && placeOf(target).top === placeOf(file.path).top)
        .map((target) => `${file.path} is shared by siblings and imports one of them, ${target}`),
    );
}

function vendorViolations(files: SourceFile[]): string[] {
  return files.flatMap((file) => {
    const allowed = allowedVendors(file.path);
    return file.words.flatMap((word) =>
      vendorsIn(word.text)
        .filter((vendor) => allowed !== "any" && !allowed.includes(vendor))
        .map((vendor) => `${file.path}:${word.line} names ${vendor} in ${JSON.stringify(word.text.slice(0, 60))}`),
    );
  });
}

describe("architecture", () => {
  test("every folder and file directly under src has a row in tools/layers.ts", () => {
    const known = [...Object.keys(layers), ...compositionRoots];
    expect(source.map((file) => placeOf(file.path).top).filter((top) => !known.includes(top))).toEqual([]);
  });

  test("every import inside src obeys the table in tools/layers.ts", () => {
    expect(violations(production)).toEqual([]);
  });

  test("files shared by sibling dialects or surfaces import none of the siblings", () => {
    expect(sharedFilesThatImportSiblings(production)).toEqual([]);
  });

  test("every relative import leads to a file that exists", () => {
    const missing = [...source, ...sdk].flatMap((file) =>
      file.imports.flatMap((imported) => {
        const target = resolveImport(file, imported);
        return target !== undefined && !existsSync(target)
          ? [`${file.path}:${imported.line} ${imported.specifier}`]
          : [];
      }),
    );
    expect(missing).toEqual([]);
  });

  test("the SDK imports nothing outside sdk/src", () => {
    const outside = sdk
      .filter((file) => !isTest(file))
      .flatMap((file) => file.imports.flatMap((imported) => resolveImport(file, imported) ?? []))
      .filter((target) => !target.startsWith("sdk/src/"));
    expect(outside).toEqual([]);
  });

  test("dialects use no built-in module of Node, since a codec is pure", () => {
    const builtins = production
      .filter((file) => placeOf(file.path).top === "dialects")
      .flatMap((file) =>
        file.imports.filter((i) => i.specifier.startsWith("node:")).map((i) => `${file.path}: ${i.specifier}`),
      );
    expect(builtins).toEqual([]);
  });

  test("the real clock is read in src/runtime only", () => {
    const reads = production.filter((file) => placeOf(file.path).top !== "runtime");
    expect(reads.flatMap((file) => file.clockReads.map((line) => `${file.path}:${line}`))).toEqual([]);
  });

  test(`no source file is longer than ${maxLines} lines`, () => {
    const long = [...source, ...sdk].filter(
      (file) => file.lineCount > (isTest(file) ? maxTestLines : maxLines) && !file.path.startsWith("src/catalog/data/"),
    );
    expect(long.map((file) => `${file.path}: ${file.lineCount} lines`)).toEqual([]);
  });

  test("a vendor is named in its own folder or data entry only", () => {
    expect(vendorViolations([...production, ...sdk.filter((file) => !isTest(file))])).toEqual([]);
  });
});

// The checks above pass on an empty repository too: these prove that each of them can fail.
describe("architecture checks", () => {
  const check = (path: string, text: string) => violations([parseSource(path, text)]);

  test("report a forbidden layer, a type-only import used as a value, and a way out of src", () => {
    expect(check("src/routing/rank.ts", 'import { a } from "../pipeline/chat.ts";')).toHaveLength(1);
    expect(check("src/routing/rank.ts", 'import { a } from "../store/store.ts";')).toHaveLength(1);
    expect(check("src/routing/rank.ts", 'import type { A } from "../store/store.ts";')).toEqual([]);
    expect(check("src/routing/rank.ts", 'import { type A } from "../store/store.ts";')).toEqual([]);
    expect(check("src/routing/rank.ts", 'export { a } from "../pipeline/chat.ts";')).toHaveLength(1);
    expect(check("src/routing/rank.ts", 'const a = await import("../pipeline/chat.ts");')).toHaveLength(1);
    expect(check("src/app.ts", 'import { a } from "../test/support/a.ts";')).toHaveLength(1);
    expect(check("src/routing/rank.ts", 'import { a } from "../contract/gen/a_pb.ts";')).toHaveLength(1);
    expect(check("src/pipeline/chat.ts", 'import { a } from "../providers/adapter.ts";')).toEqual([]);
    expect(check("src/pipeline/chat.ts", 'import { a } from "../providers/entries.ts";')).toHaveLength(1);
    expect(check("src/errors/a.ts", 'import { a } from "../app.ts";')).toHaveLength(1);
  });

  test("report siblings that import each other, directly or by a shared file", () => {
    expect(check("src/dialects/one/encode.ts", 'import { a } from "../two/decode.ts";')).toHaveLength(1);
    expect(
      check("src/dialects/one/encode.ts", 'import { a } from "./wire.ts"; import { b } from "../dialect.ts";'),
    ).toEqual([]);
    const detour = [
      parseSource("src/dialects/one/encode.ts", 'import { a } from "../shared.ts";'),
      parseSource("src/dialects/shared.ts", 'export { a } from "./two/decode.ts";'),
    ];
    expect(sharedFilesThatImportSiblings(detour)).toHaveLength(1);
  });

  test("report a vendor's name in code and not in a comment, an import or its own folder", () => {
    const check2 = (path: string, text: string) => vendorViolations([parseSource(path, text)]);
    expect(check2("src/pipeline/chat.ts", 'if (provider === "openai") stop();')).toHaveLength(1);
    expect(check2("src/pipeline/chat.ts", "const isAnthropicTarget = true;")).toHaveLength(1);
    expect(check2("src/pipeline/chat.ts", "// as OpenAI does\nconst coherent = 1;")).toEqual([]);
    expect(check2("src/dialects/openai-chat/encode.ts", "const openAiShape = 1;")).toEqual([]);
    expect(check2("src/dialects/openai-chat/encode.ts", "const mistralQuirk = 1;")).toHaveLength(1);
  });

  test("report the real clock", () => {
    expect(parseSource("src/a.ts", "const a = new Date();\nconst b = new Date(5);\nDate();").clockReads).toEqual([
      1, 3,
    ]);
  });
});
