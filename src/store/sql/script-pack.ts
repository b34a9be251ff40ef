import type { ScriptStep } from "./script-query.ts";

/** Where a packed script stands, in bytes from the beginning: its steps as JSON, and then each of its long texts. */
export interface PackedScript {
  readonly ends: readonly number[];
}

/** What stands for a long text in the JSON. */
interface TextPlace {
  readonly text: number;
}

// JSON within JSON is written twice as large and four times as slowly.
const LONG_TEXT = 4_096;
const FIRST_BYTES = 1024 * 1024;

/**
 * Carries scripts between threads in memory that both have and that is used again: a message copies its texts twice, and
 * into new memory each time. One script at a time.
 */
export class ScriptPacker {
  memory = new SharedArrayBuffer(FIRST_BYTES);
  #bytes = Buffer.from(this.memory);

  /** Puts a script where the last one stood. */
  pack(steps: readonly ScriptStep[]): PackedScript {
    const texts: string[] = [];
    const place = (value: unknown): unknown =>
      typeof value === "string" && value.length > LONG_TEXT ? ({ text: texts.push(value) } satisfies TextPlace) : value;
    const json = JSON.stringify(steps.map(({ sql, rows }) => ({ sql, rows: rows.map((row) => row.map(place)) })));
    const parts = [json, ...texts];
    // Of UTF-16 no unit takes more than three bytes.
    this.#reserve(parts.reduce((sum, part) => sum + part.length * 3, 0));
    const ends: number[] = [];
    let end = 0;
    for (const part of parts) ends.push((end += this.#bytes.write(part, end)));
    return { ends };
  }

  #reserve(size: number): void {
    if (size <= this.memory.byteLength) return;
    this.memory = new SharedArrayBuffer(size * 2);
    this.#bytes = Buffer.from(this.memory);
  }
}

/** The script that was packed. */
export function unpackScript(memory: SharedArrayBuffer, { ends }: PackedScript): ScriptStep[] {
  const bytes = Buffer.from(memory);
  const [json, ...texts] = ends.map((end, index) => bytes.toString("utf8", ends[index - 1] ?? 0, end));
  const steps = JSON.parse(json!) as ScriptStep[];
  if (texts.length === 0) return steps;
  const text = (value: unknown): unknown =>
    typeof value === "object" && value !== null ? texts[(value as TextPlace).text - 1] : value;
  return steps.map(({ sql, rows }) => ({ sql, rows: rows.map((row) => row.map(text)) }));
}
