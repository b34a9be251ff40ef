import { createHmac } from "node:crypto";
import type { Runtime } from "../runtime/runtime.ts";
import type { UpstreamClient, UpstreamRequest } from "./upstream.ts";

/** Where to tell of something, and how. */
export interface WebhookOptions {
  readonly upstream: UpstreamClient;
  readonly runtime: Runtime;
  readonly url: string;
  /** Signs what is sent; undefined: it is not signed. */
  readonly secret: { reveal(): string } | undefined;
  /** Told of what could not be delivered. */
  readonly onLost: (why: string) => void;
}

/** Posts JSON, off the path of requests. */
export interface Webhook {
  /** Sends a message, and again where that fails. Messages beyond what may wait are lost, and told of. */
  post(message: object): void;
}

const ATTEMPTS = 5;
const FIRST_RETRY_MS = 1_000;
const TIMEOUT_MS = 10_000;
const MAX_WAITING = 100;

/**
 * A webhook. With a secret, `x-parley-signature` is `t=SECONDS,v1=HEX`: HMAC-SHA256 of the seconds, a full stop and the
 * body, so that neither body nor time can be forged.
 */
export function createWebhook({ upstream, runtime, url, secret, onLost }: WebhookOptions): Webhook {
  const { origin, pathname, search } = new URL(url);
  let waiting = 0;
  const requestOf = (body: string): UpstreamRequest => {
    const seconds = Math.floor(runtime.nowMs() / 1000);
    const digest = secret && createHmac("sha256", secret.reveal()).update(`${seconds}.${body}`).digest("hex");
    return {
      origin,
      path: `${pathname}${search}`,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "parley",
        ...(digest === undefined ? {} : { "x-parley-signature": `t=${seconds},v1=${digest}` }),
      },
      body,
    };
  };
  const send = (body: string, attempt: number): void => {
    deliver(upstream, runtime, requestOf(body), (why) => {
      if (why === undefined || attempt >= ATTEMPTS) {
        waiting -= 1;
        if (why !== undefined) onLost(why);
      } else runtime.setTimer(FIRST_RETRY_MS * 2 ** (attempt - 1), () => send(body, attempt + 1));
    });
  };
  return {
    post(message) {
      if (waiting >= MAX_WAITING) return onLost(`${MAX_WAITING} messages wait already`);
      waiting += 1;
      send(JSON.stringify(message), 1);
    },
  };
}

/** Sends once; `done` gets why it failed, or undefined. */
function deliver(
  upstream: UpstreamClient,
  runtime: Runtime,
  request: UpstreamRequest,
  done: (why: string | undefined) => void,
): void {
  let status = 0;
  let isOver = false;
  const end = (why: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    timer.cancel();
    done(why);
  };
  const timer = runtime.setTimer(TIMEOUT_MS, () => {
    call.abort();
    end("it did not answer in time");
  });
  const call = upstream.dispatch(request, {
    onHeaders: (code) => (status = code),
    onData: () => {},
    onEnd: () => end(status >= 200 && status < 300 ? undefined : `it answered ${status}`),
    onError: () => end("it cannot be reached"),
  });
}
