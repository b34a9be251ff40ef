import fs from "node:fs";
import { dirname } from "node:path";
import { crashPoint } from "../runtime/crash-point.ts";

/** What the journal needs of a file system. Tests make it fail. */
export type JournalFiles = Pick<
  typeof fs,
  "openSync" | "writeSync" | "ftruncateSync" | "fdatasync" | "fsyncSync" | "closeSync" | "rmSync"
>;

/**
 * One segment being written. A group of lines is there as a whole or not at all: what a failed write left behind is cut
 * off before anything else is written.
 */
export class SegmentWriter {
  readonly path: string;
  readonly #files: JournalFiles;
  readonly #fd: number;
  #sizeBytes = 0;
  #hasRemains = false;
  #closed = false;

  /** Makes the file with mode 0600; it must not exist yet. Throws what the file system throws. */
  constructor(path: string, files: JournalFiles = fs) {
    this.path = path;
    this.#files = files;
    this.#fd = files.openSync(path, "ax", 0o600);
    crashPoint("segment_opened");
  }

  /** Bytes of whole groups. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Writes a group. Throws what the file system throws; then the group is not in the file. */
  append(text: string): void {
    // The descriptor's number may belong to another file by now.
    if (this.#closed) throw new Error("Cannot write to the segment: it is closed");
    this.cutRemains();
    const sizeBytes = Buffer.byteLength(text);
    this.#hasRemains = true;
    try {
      // As a string, which spares a copy; in pieces only where the file system takes it in pieces.
      const taken = this.#files.writeSync(this.#fd, text);
      if (taken < sizeBytes) this.#appendRest(Buffer.from(text), taken);
    } catch (error) {
      this.#tryToCutRemains();
      throw error;
    }
    this.#hasRemains = false;
    this.#sizeBytes += sizeBytes;
  }

  /** Brings what was appended to the disk itself. */
  sync(done: (error: Error | null) => void): void {
    this.#files.fdatasync(this.#fd, done);
  }

  /** Takes back the groups beyond a size: they did not reach the disk. */
  rollBack(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#hasRemains = true;
    this.#tryToCutRemains();
  }

  /** Brings the file's entry in its folder to the disk. */
  syncFolder(): void {
    const fd = this.#files.openSync(dirname(this.path), "r");
    try {
      this.#files.fsyncSync(fd);
    } finally {
      this.#files.closeSync(fd);
    }
  }

  /** Cuts off what a failed write left behind. Throws what the file system throws. */
  cutRemains(): void {
    if (!this.#hasRemains) return;
    this.#files.ftruncateSync(this.#fd, this.#sizeBytes);
    this.#hasRemains = false;
  }

  /** Closes the file. */
  close(): void {
    if (this.#closed) return;
    this.#tryToCutRemains();
    this.#closed = true;
    this.#files.closeSync(this.#fd);
  }

  /** Closes and removes a file that holds nothing worth keeping. */
  discard(): void {
    this.#closed = true;
    this.#files.closeSync(this.#fd);
    this.#files.rmSync(this.path, { force: true });
  }

  #appendRest(bytes: Buffer, from: number): void {
    for (let offset = from; offset < bytes.length;) {
      const taken = this.#files.writeSync(this.#fd, bytes, offset, bytes.length - offset);
      if (taken === 0) throw new Error("Cannot write to the segment: the file system took no bytes");
      offset += taken;
    }
  }

  #tryToCutRemains(): void {
    try {
      this.cutRemains();
    } catch {
      // The next append tries again before it writes.
    }
  }
}
