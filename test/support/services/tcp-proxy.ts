import { createServer, connect, type Socket } from "node:net";

/** A proxy on loopback that hurts what passes through it. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Answers are kept back by this many milliseconds from now on. */
  delayAnswersMs: number;
  /** Loses this many answers from now on: the connection is reset in their place. */
  answersToLose: number;
  /** How many answers were lost. */
  readonly lost: number;
  /** Cuts all connections and refuses new ones until it is set to false again. */
  isCut: boolean;
}

/** Starts a proxy in front of a port of loopback. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const state = { delayAnswersMs: 0, answersToLose: 0, lost: 0, isCut: false };
  const server = createServer((client) => {
    if (state.isCut) return void client.resetAndDestroy();
    const upstream = connect(targetPort, "127.0.0.1");
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      sockets.delete(client);
    };
    sockets.add(client);
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (chunk) => void upstream.write(chunk));
    upstream.on("data", (chunk) => {
      if (state.answersToLose > 0) {
        state.answersToLose -= 1;
        state.lost += 1;
        client.resetAndDestroy();
        return;
      }
      if (state.delayAnswersMs === 0) client.write(chunk);
      else setTimeout(() => client.writable && client.write(chunk), state.delayAnswersMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get delayAnswersMs() {
      return state.delayAnswersMs;
    },
    set delayAnswersMs(value) {
      state.delayAnswersMs = value;
    },
    get answersToLose() {
      return state.answersToLose;
    },
    set answersToLose(value) {
      state.answersToLose = value;
    },
    get lost() {
      return state.lost;
    },
    get isCut() {
      return state.isCut;
    },
    set isCut(value) {
      state.isCut = value;
      if (value) for (const socket of sockets) socket.resetAndDestroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
