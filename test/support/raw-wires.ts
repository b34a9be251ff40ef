import * as http from "node:http";
import * as http2 from "node:http2";

/** A request as it goes out. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body: Buffer;
  readonly undeclared: boolean;
}

/** An answer as it came, before a protocol is read into it. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly trailers: Record<string, string>;
  readonly body: Buffer;
}

function plainHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

/** One connection of HTTP/1.1, kept alive. */
export class Http1Wire {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.#port = port;
  }

  ask({ method, path, headers, body, undeclared }: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      let answered = false;
      const request = http.request(
        { port: this.#port, host: "127.0.0.1", method, path, agent: this.#agent, headers },
        (response) => {
          answered = true;
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: plainHeaders(response.headers),
              trailers: plainHeaders(response.trailers),
              body: Buffer.concat(chunks),
            }),
          );
        },
      );
      // A refusal may come while the body still leaves: then the answer counts, not the broken upload.
      request.on("error", (error) => (answered ? undefined : reject(error)));
      if (undeclared) for (let at = 0; at < body.length; at += 16_384) request.write(body.subarray(at, at + 16_384));
      else if (method !== "GET" && method !== "HEAD")
        request.setHeader("content-length", headers["content-length"] ?? body.length);
      request.end(undeclared || method === "GET" || method === "HEAD" ? undefined : body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** One connection of HTTP/2, opened anew where it has been closed. */
export class Http2Wire {
  readonly #port: number;
  #session: http2.ClientHttp2Session | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  ask({ method, path, headers, body }: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.#connected().request({ ...headers, ":method": method, ":path": path }, { endStream: false });
      let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
      let trailers: http2.IncomingHttpHeaders = {};
      const chunks: Buffer[] = [];
      stream.on("response", (received) => (head = received));
      stream.on("trailers", (received) => (trailers = received));
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("close", () => {
        const { ":status": status = 0, ...rest } = head;
        if (status === 0) reject(new Error(`the stream closed without an answer, code ${stream.rstCode}`));
        else
          resolve({
            status,
            headers: plainHeaders(rest),
            trailers: plainHeaders(trailers),
            body: Buffer.concat(chunks),
          });
      });
      stream.end(body);
    });
  }

  #connected(): http2.ClientHttp2Session {
    if (!this.#session || this.#session.closed || this.#session.destroyed) {
      this.#session = http2.connect(`http://127.0.0.1:${this.#port}`);
      this.#session.on("error", () => undefined);
    }
    return this.#session;
  }

  close(): void {
    this.#session?.destroy();
  }
}
