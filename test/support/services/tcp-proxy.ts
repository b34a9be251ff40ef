import { createServer, connect, type Socket } from "node:net";

/** A proxy on loopback that hurts what passes through it. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Where new connections lead. */
  targetPort: number;
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
  const state = { targetPort, delayAnswersMs: 0, answersToLose: 0, lost: 0, isCut: false };
  const server = createServer((client) => {
    if (state.isCut) return void client.resetAndDestroy();
    const upstream = connect(state.targetPort, "127.0.0.1");
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    let before = Promise.resolve();
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
      // In order: what is not delayed itself waits for what is.
      const dueMs = performance.now() + state.delayAnswersMs;
      const passed = before;
      before = (async () => {
        await passed;
        const restMs = dueMs - performance.now();
        if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
        if (client.writable) client.write(chunk);
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return Object.defineProperties(
    {
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    },
    {
      port: { value: port },
      lost: { get: () => state.lost },
      targetPort: settable(state, "targetPort"),
      delayAnswersMs: settable(state, "delayAnswersMs"),
      answersToLose: settable(state, "answersToLose"),
      isCut: {
        get: () => state.isCut,
        set(value: boolean) {
          state.isCut = value;
          if (value) for (const socket of sockets) socket.resetAndDestroy();
        },
      },
    },
  ) as unknown as TcpProxy;
}

function settable<T, K extends keyof T>(state: T, key: K): PropertyDescriptor {
  return { get: () => state[key], set: (value: T[K]) => void (state[key] = value) };
}
