import { Http2SessionManager } from "@connectrpc/connect-node";

type Request = Parameters<Http2SessionManager["request"]>;
type Stream = Awaited<ReturnType<Http2SessionManager["request"]>>;
type SessionOptions = ConstructorParameters<typeof Http2SessionManager>;

interface Member {
  readonly manager: Http2SessionManager;
  openStreams: number;
}

// What RFC 9113 asks every server to allow at least. A stream beyond a server's limit waits unseen for another to end.
const MAX_STREAMS_PER_CONNECTION = 100;

/** HTTP/2 connections to one gateway: one is shared until it carries 100 streams, then another is opened beside it. */
export class Http2Pool {
  /** The host that the pool connects to. */
  readonly authority: string;
  readonly #open: () => Http2SessionManager;
  readonly #members: Member[] = [];
  readonly #owners = new WeakMap<Stream, Member>();

  constructor(baseUrl: string, ...options: SessionOptions extends [unknown, ...infer Rest] ? Rest : never) {
    this.authority = new URL(baseUrl).origin;
    this.#open = () => new Http2SessionManager(baseUrl, ...options);
  }

  /** Sends a request over the first connection that has room. */
  async request(...request: Request): Promise<Stream> {
    const member = this.#withRoom();
    member.openStreams += 1;
    try {
      const stream = await member.manager.request(...request);
      this.#owners.set(stream, member);
      stream.once("close", () => (member.openStreams -= 1));
      return stream;
    } catch (thrown) {
      member.openStreams -= 1;
      throw thrown;
    }
  }

  /** Tells the connection of a stream that it is alive. */
  notifyResponseByteRead(stream: Stream): void {
    this.#owners.get(stream)?.manager.notifyResponseByteRead(stream);
  }

  #withRoom(): Member {
    const found = this.#members.find((member) => member.openStreams < MAX_STREAMS_PER_CONNECTION);
    if (found) return found;
    const member = { manager: this.#open(), openStreams: 0 };
    this.#members.push(member);
    return member;
  }
}
