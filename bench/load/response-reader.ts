const headEnd = Buffer.from("\r\n\r\n");
const lineFeed = 10;
const carriageReturn = 13;

type State = "head" | "length" | "chunk-size" | "chunk-data" | "chunk-end" | "trailer" | "done";

/** Reads HTTP/1.1 responses, one after the other and never pipelined, no further than needed to know where each ends. */
export class ResponseReader {
  /** Status of the response at hand; 0 before its head is whole. */
  status = 0;
  #state: State = "head";
  #head: Buffer | undefined;
  #left = 0;
  #lineLength = 0;

  /** Takes the bytes of one read. Returns how many bytes of body it carried. */
  push(bytes: Buffer): number {
    if (this.#state === "done") this.#state = "head";
    let at = 0;
    if (this.#state === "head") {
      at = this.#readHead(bytes);
      if (at < 0) return 0;
    }
    if (this.#state !== "length") return this.#readChunks(bytes, at);
    const taken = bytes.length - at;
    this.#left -= taken;
    if (this.#left <= 0) this.#state = "done";
    return taken;
  }

  /** Whether the response ended with the last read. */
  get done(): boolean {
    return this.#state === "done";
  }

  #readHead(bytes: Buffer): number {
    const whole = this.#head ? Buffer.concat([this.#head, bytes]) : bytes;
    const end = whole.indexOf(headEnd);
    if (end < 0) {
      this.#head = whole;
      this.status = 0;
      return -1;
    }
    const bodyStart = end + headEnd.length - (whole.length - bytes.length);
    this.#head = undefined;
    const text = whole.toString("latin1", 0, end);
    this.status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(text);
    this.#left = length ? Number(length[1]) : 0;
    if (length) this.#state = this.#left === 0 ? "done" : "length";
    else this.#state = "chunk-size";
    return bodyStart;
  }

  #readChunks(bytes: Buffer, start: number): number {
    let bodyBytes = 0;
    let at = start;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "chunk-data") {
        const taken = Math.min(this.#left, bytes.length - at);
        bodyBytes += taken;
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#state = "chunk-end";
      } else {
        this.#readLineByte(bytes[at++] ?? 0);
      }
    }
    return bodyBytes;
  }

  #readLineByte(byte: number): void {
    if (byte === carriageReturn) return;
    if (byte !== lineFeed) {
      this.#lineLength++;
      // The low four bits of a hexadecimal digit are its value; of a letter they are 9 less.
      if (this.#state === "chunk-size") this.#left = this.#left * 16 + (byte & 15) + (byte >= 65 ? 9 : 0);
      return;
    }
    if (this.#state === "chunk-end") this.#state = "chunk-size";
    else if (this.#state === "chunk-size") this.#state = this.#left === 0 ? "trailer" : "chunk-data";
    else if (this.#lineLength === 0) this.#state = "done";
    if (this.#state === "done") this.#left = 0;
    this.#lineLength = 0;
  }
}
