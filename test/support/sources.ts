import { readFileSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { parseSync } from "vite";

/** One import, re-export or dynamic import: its specifier as written, and whether it vanishes when types are stripped. */
export interface ImportedModule {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** A name or a piece of text in the code, comments and import specifiers left out. */
export interface Word {
  readonly text: string;
  readonly line: number;
}

/** A parsed source file. Paths are relative to the repository, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly lineCount: number;
  readonly imports: readonly ImportedModule[];
  readonly words: readonly Word[];
  /** Lines that read the real clock in ways that the linter cannot see: `new Date()` and `Date()`. */
  readonly clockReads: readonly number[];
}

interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

const importTypes = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

/** Every TypeScript file below a folder of the repository, generated code left out, in stable order. */
export function readSources(folder: string): SourceFile[] {
  return listFiles(folder)
    .filter((path) => /\.[cm]?tsx?$/.test(path))
    .map((path) => parseSource(path, readFileSync(path, "utf8")));
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(".", join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !/(^|\/)(gen|dist|node_modules)\//.test(path))
    .toSorted();
}

/** What the architecture checks need to know about one file, given its text. Throws when it does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text, { lang: path.endsWith("x") ? "tsx" : "ts", sourceType: "module" });
  if (errors[0]) throw new Error(`Cannot parse ${path}: ${errors[0].message}`);
  const source = { path, lineCount: text.trimEnd().split("\n").length };
  const found = { imports: [] as ImportedModule[], words: [] as Word[], clockReads: [] as number[] };
  const lineOf = (node: SyntaxNode): number => text.slice(0, node.start).split("\n").length;
  visit(program as unknown as SyntaxNode, (node) => {
    if (importTypes.has(node.type)) collectImport(node, lineOf, found.imports);
    else if (readsClock(node)) found.clockReads.push(lineOf(node));
    const word = wordOf(node);
    if (word !== undefined) found.words.push({ text: word, line: lineOf(node) });
  });
  return { ...source, ...found };
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && typeof (value as SyntaxNode).type === "string";
}

function visit(node: SyntaxNode, onNode: (node: SyntaxNode) => void): void {
  onNode(node);
  for (const [key, value] of Object.entries(node)) {
    // The specifier of an import is judged as an import, not as a word.
    if (importTypes.has(node.type) && key === "source") continue;
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) visit(child, onNode);
    }
  }
}

function collectImport(node: SyntaxNode, lineOf: (node: SyntaxNode) => number, imports: ImportedModule[]): void {
  const source = node["source"];
  if (!isNode(source) || typeof source["value"] !== "string") return;
  imports.push({ specifier: source["value"], typeOnly: isTypeOnly(node), line: lineOf(node) });
}

function isTypeOnly(node: SyntaxNode): boolean {
  if (node.type === "TSImportType") return true;
  if (node["importKind"] === "type" || node["exportKind"] === "type") return true;
  const specifiers = Array.isArray(node["specifiers"]) ? (node["specifiers"] as SyntaxNode[]) : [];
  const kind = node.type === "ImportDeclaration" ? "importKind" : "exportKind";
  return specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === "type");
}

function readsClock(node: SyntaxNode): boolean {
  if (node.type !== "NewExpression" && node.type !== "CallExpression") return false;
  const callee = node["callee"];
  if (!isNode(callee) || callee.type !== "Identifier" || callee["name"] !== "Date") return false;
  return node.type === "CallExpression" || (node["arguments"] as unknown[]).length === 0;
}

function wordOf(node: SyntaxNode): string | undefined {
  if (node.type === "Identifier" || node.type === "PrivateIdentifier") return String(node["name"]);
  if (node.type === "Literal" && typeof node["value"] === "string") return node["value"];
  if (node.type === "TemplateElement") return (node["value"] as { raw: string }).raw;
  return undefined;
}
