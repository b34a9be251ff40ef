import type { Output } from "./command.ts";

/** Writes rows with their columns below each other; empty columns are left out. */
export function writeTable(output: Output, rows: readonly (readonly string[])[]): void {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((_, column) => widths[column] !== 0);
    output.write(`${cells.join("  ").trimEnd()}\n`);
  }
}
