import { appendFileSync, renameSync, statSync } from "node:fs";
import type { Runtime, Timer } from "../runtime/runtime.ts";

/** A file of lines that grows up to a bound; what is older than two bounds is gone. */
export interface LineFile {
  /** Adds a line with its line end. Written a moment later, with others. */
  add(line: string): void;
  /** Writes what waits. */
  close(): void;
}

/** Where lines go. */
export interface LineFileOptions {
  readonly path: string;
  readonly runtime: Runtime;
  /** Size beyond which the file becomes `path.1`, in place of an older one. Unset: 64 MiB. */
  readonly maxBytes?: number;
  /** Told once when lines cannot be written, and again only after they could be. */
  readonly onError: (error: unknown) => void;
}

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const FLUSH_MS = 1_000;
const MAX_BUFFERED_CHARS = 256 * 1024;

/** Opens a file of lines. Throws where it cannot be written. */
export function openLineFile({ path, runtime, maxBytes = DEFAULT_MAX_BYTES, onError }: LineFileOptions): LineFile {
  appendFileSync(path, "", { mode: 0o600 });
  let bytes = statSync(path).size;
  let waiting = "";
  let timer: Timer | undefined;
  let failing = false;
  const flush = (): void => {
    timer?.cancel();
    timer = undefined;
    if (waiting === "") return;
    const text = waiting;
    waiting = "";
    try {
      if (bytes >= maxBytes) {
        renameSync(path, `${path}.1`);
        bytes = 0;
      }
      appendFileSync(path, text, { mode: 0o600 });
      bytes += Buffer.byteLength(text);
      failing = false;
    } catch (error) {
      // Lines that cannot be written are lost: nobody's request waits for a disk.
      if (!failing) onError(error);
      failing = true;
    }
  };
  return {
    add(line) {
      waiting += line;
      if (waiting.length >= MAX_BUFFERED_CHARS) flush();
      else timer ??= runtime.setTimer(FLUSH_MS, flush);
    },
    close: flush,
  };
}
