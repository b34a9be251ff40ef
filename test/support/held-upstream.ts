import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a held answer says before and after it is let go. */
export const HELD_TEXT = { first: "Once upon", rest: " a time" } as const;

interface HeldAnswer {
  readonly response: ServerResponse;
  readonly stream: boolean;
}

/**
 * A provider that speaks OpenAI's chat format and begins every answer, but ends none before it is told to: so a test
 * decides by events, not by time, how long a stream lives.
 */
export class HeldUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #held = new Set<HeldAnswer>();
  readonly #watchers = new Set<() => void>();
  /** How many answers were left by the client before they were whole. */
  left = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<HeldUpstream> {
    const upstream = new HeldUpstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, "127.0.0.1", resolve));
    return upstream;
  }

  /** Its entry under `providers:` of a configuration. */
  get yaml(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `held: { kind: openai-compatible, base_url: "http://127.0.0.1:${port}/v1", api_key: x, models: any, price: 0 }`;
  }

  /** How many answers wait to be let go. */
  get waiting(): number {
    return this.#held.size;
  }

  /** Resolves as soon as the condition holds. */
  async until(condition: (upstream: HeldUpstream) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#watchers.add(resolve));
  }

  /** Lets every waiting answer end well. */
  letGo(): void {
    for (const { response, stream } of this.#held) {
      if (stream) response.end(`${chunk(HELD_TEXT.rest)}${chunk("", "stop")}data: [DONE]\n\n`);
      else response.end(whole());
    }
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { stream = false } = JSON.parse(Buffer.concat(pieces).toString()) as { stream?: boolean };
    response.writeHead(200, { "content-type": stream ? "text/event-stream" : "application/json" });
    if (stream) response.write(chunk(HELD_TEXT.first));
    const answer = { response, stream };
    this.#held.add(answer);
    response.once("close", () => {
      if (this.#held.delete(answer)) this.left += 1;
      this.#tell();
    });
    this.#tell();
  }

  #tell(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const watcher of watchers) watcher();
  }
}

const common = { id: "chatcmpl-held", created: 1_790_000_000, model: "held" };
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

function chunk(content: string, finish: string | null = null): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }];
  const last = finish === null ? {} : { usage };
  return `data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", choices, ...last })}\n\n`;
}

function whole(): string {
  const message = { role: "assistant", content: `${HELD_TEXT.first}${HELD_TEXT.rest}` };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  return JSON.stringify({ ...common, object: "chat.completion", choices, usage });
}
