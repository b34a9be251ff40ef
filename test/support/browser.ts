import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium, type Browser } from "playwright-core";
import { build } from "vite";
import { chromiumPath } from "./chromium.ts";

/** A real browser, found or installed; the caller closes it. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
}

/** A script for a page that leaves what the module at `path` exports in `globalThis[name]`. */
export async function bundleForPage(path: string, name: string): Promise<string> {
  const entry = "virtual:page";
  const source = `globalThis[${JSON.stringify(name)}] = await import(${JSON.stringify(path)});`;
  const output = await build({
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? source : undefined),
      },
    ],
    build: { write: false, target: "esnext", rolldownOptions: { input: entry, output: { codeSplitting: false } } },
  });
  const chunks = "output" in output ? output.output : [];
  return chunks.map((chunk) => ("code" in chunk ? chunk.code : "")).join("");
}

/** A web server of somebody's own: one page with one script, at two names and hence two origins. */
export class PageServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(script: string) {
    this.#server = createServer((request, response) => {
      const isScript = request.url === "/page.js";
      response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
      response.end(isScript ? script : `<!doctype html><script type="module" src="/page.js"></script>`);
    });
  }

  static async start(script: string): Promise<PageServer> {
    const server = new PageServer(script);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The same page from a host name that is another origin to a browser. */
  get otherOrigin(): string {
    return `http://localhost:${this.#port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
}
