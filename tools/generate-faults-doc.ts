// Writes docs/faults.md: what came of every fault in every wire format, over every surface and in every delivery mode.
// It plays them all, which takes some minutes: node tools/generate-faults-doc.ts
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  MATRIX_FAULTS,
  SECOND_CONFIGURATION,
  SETTINGS,
  WAITING_TIMEOUTS,
  playMatrix,
  type Cell,
} from "../test/support/fault-matrix.ts";
import { WALL_FORMATS } from "../test/support/wall.ts";
import { STREAMING_FAULTS } from "./streaming-faults.ts";

/** Where the page stands. */
export const FAULTS_DOC_PATH = join(import.meta.dirname, "../docs/faults.md");

const START = "<!-- the table -->";
const END = "<!-- the end of the table -->";

/** The page with a table made from these cells. */
export function faultsDoc(cells: readonly Cell[]): string {
  const failed = cells.filter(({ defect }) => defect !== undefined);
  if (failed.length > 0) throw new Error(`Cannot write the page: ${failed.length} cells break a promise`);
  return pageAround(matrixTable(cells));
}

/** The page with this table in it. */
export function pageAround(table: string): string {
  return [...introduction(), START, "", table, "", END, "", ...catalogue()].join("\n");
}

/** The table of a page. */
export function tableOf(page: string): string {
  return page.slice(page.indexOf(START) + START.length, page.indexOf(END)).trim();
}

function introduction(): string[] {
  const settings = Object.entries(SETTINGS)
    .map(([model, setting]) => `\`${setting}\` of \`${model}\``)
    .join(", ");
  return [
    "<!-- Written by tools/generate-faults-doc.ts from a run of the faults: npm run test:faults. Do not edit. -->",
    "",
    "# Faults, and what becomes of them",
    "",
    "Each fault of the [sandbox](sandbox.md) was played over every wire format, unary and streamed, over Connect, gRPC and the",
    "REST shim, in every delivery mode, with a second target to go to and a fresh budget of extra attempts. The models have",
    `their default settings but for \`delay_ms=0\` and`,
    `${settings}; where a fault is about waiting, the gateway's`,
    `timeouts are \`${WAITING_TIMEOUTS}\`.`,
    "`npm run test:faults` plays all of it and compares what it finds with this page.",
    "",
    "- **answered**: one attempt, a whole and good answer.",
    "- **rescued**: a whole and good answer, by another target.",
    "- **typed**: a typed failure before any content; **fragment**: a typed failure after content, which never passes for",
    "  the answer.",
    "- **refused**: the mode cannot be had there, and the request is refused by the field's name: `restartable` over REST.",
    "",
    "What the second target can do matters after content only:",
    "",
    ...Object.entries(SECOND_CONFIGURATION).map(([name, what]) => `- **${name}**: ${what}.`),
    "",
    "A cell names what holds for all wire formats and surfaces, and then those for which something else does.",
    "",
  ];
}

interface Column {
  readonly heading: string;
  readonly takes: (cell: Cell) => boolean;
}

const COLUMNS: readonly Column[] = [
  { heading: "unary, any mode", takes: ({ stream, mode }) => !stream && mode !== "restartable" },
  ...(["commit", "auto", "restartable", "hold"] as const).flatMap((mode): Column[] => {
    const of = (cell: Cell): boolean => cell.stream && cell.mode === mode && cell.verdict !== "refused";
    if (mode !== "auto") return [{ heading: `stream, ${mode}`, takes: of }];
    return (["continues", "deterministic", "neither"] as const).map((second) => ({
      heading: `stream, auto, ${second}`,
      takes: (cell) => of(cell) && (cell.second === second || !hasSeconds(cell)),
    }));
  }),
];

const withSeconds = new WeakMap<Cell, boolean>();

function hasSeconds(cell: Cell): boolean {
  return withSeconds.get(cell) ?? false;
}

function matrixTable(cells: readonly Cell[]): string {
  const groups = Map.groupBy(cells, ({ fault, format }) => `${fault} ${format}`);
  for (const group of groups.values()) {
    const several = group.some(({ second }) => second !== "continues");
    for (const cell of group) withSeconds.set(cell, several);
  }
  const rows = MATRIX_FAULTS.map(({ name }) => {
    const own = cells.filter(({ fault }) => fault === name);
    return [`\`${name}\``, ...COLUMNS.map(({ takes }) => summary(own.filter(takes)))];
  });
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const heading = ["fault", ...COLUMNS.map(({ heading: text }) => text)];
  return [line(heading), line(heading.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The most frequent verdict, and where there is another one. */
function summary(cells: readonly Cell[]): string {
  const byVerdict = [...Map.groupBy(cells, ({ verdict }) => verdict)].sort(
    ([a, one], [b, other]) => other.length - one.length || a.localeCompare(b),
  );
  return byVerdict
    .map(([verdict, found], index) =>
      index === 0 ? worded(verdict) : `${worded(verdict)} over ${places(found, cells)}`,
    )
    .join("; ");
}

function worded(verdict: string): string {
  return verdict.replace(/[A-Z_]{4,}/, (reason) => `\`${reason}\``);
}

/** In as few words as are true: whole formats, else formats over single surfaces. */
function places(found: readonly Cell[], all: readonly Cell[]): string {
  const formats = [...new Set(found.map(({ format }) => format))].sort();
  return formats
    .map((format) => {
      const surfaces = [
        ...new Set(found.filter((cell) => cell.format === format).map(({ surface }) => surface)),
      ].sort();
      const known = new Set(all.filter((cell) => cell.format === format).map(({ surface }) => surface));
      return surfaces.length === known.size ? format : `${format} (${surfaces.join(", ")})`;
    })
    .join(", ");
}

function catalogue(): string[] {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  return [
    "## What else providers, proxies and networks do",
    "",
    "What is known to happen to streams, whether it is played, and where.",
    "",
    line(["fault", "run", "where, or why not"]),
    line(["---", "---", "---"]),
    ...STREAMING_FAULTS.map(({ what, run, where }) => line([what, run, where])),
    "",
  ];
}

if (import.meta.main) {
  const cells: Cell[] = [];
  for (const format of WALL_FORMATS) cells.push(...(await playMatrix(format)));
  for (const { defect, ...cell } of cells) if (defect !== undefined) console.error(defect, cell);
  writeFileSync(FAULTS_DOC_PATH, faultsDoc(cells));
  console.log(`Wrote ${FAULTS_DOC_PATH} from ${cells.length} cells`);
}
