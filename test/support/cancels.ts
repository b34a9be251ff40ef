import { create } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { ChatRequestSchema, ChatService } from "../../src/contract/index.ts";
import { realRuntime } from "../../src/runtime/real.ts";
import { asking, freshModel, withWall } from "./delivery.ts";
import { toRest } from "./rest-door.ts";
import { WALL_FORMATS, type Wall } from "./wall.ts";

// How soon a provider's connection is closed once the caller has left, in each state of a request.

const PROTOCOLS = ["connect http/1.1", "connect http/2", "grpc", "grpc-web", "rest"] as const;

/** When the caller leaves: in the middle of the text, or while the provider has said nothing yet. */
const MOMENTS = ["after content", "before content", "unary"] as const;

interface Leaving {
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly moment: (typeof MOMENTS)[number];
  readonly provider: string;
}

/** Figures over all callers who left, in milliseconds. */
export interface CancelReport {
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** Attempts that reached the provider after a caller had left. */
  readonly attemptsAfter: number;
}

/** Has `count` callers leave, one after the other. */
export async function playCancels(count: number): Promise<CancelReport> {
  const clock = realRuntime();
  return withWall(async (wall) => {
    const tookMs: number[] = [];
    let attemptsAfter = 0;
    for (let index = 0; index < count; index++) {
      const leaving = {
        protocol: PROTOCOLS[index % PROTOCOLS.length]!,
        moment: MOMENTS[Math.floor(index / PROTOCOLS.length) % MOMENTS.length]!,
        provider: WALL_FORMATS[index % WALL_FORMATS.length]!.provider,
      };
      const { books } = wall.gateway.sandbox;
      const model =
        leaving.moment === "after content" ? freshModel("story", "tokens=100000") : freshModel("fault-silence");
      const caller = new AbortController();
      const asked = ask(wall, leaving, model, caller.signal).catch(() => {});
      const due = leaving.moment === "after content" ? 3 : 0;
      await books.until(() => (books.of(model)[0]?.tokensSent ?? -1) >= due);
      const leftAtMs = clock.monotonicMs();
      caller.abort();
      await books.until(() => books.of(model)[0]?.ended === "client_closed");
      tookMs.push(clock.monotonicMs() - leftAtMs);
      await asked;
      attemptsAfter += books.of(model).length - 1;
    }
    tookMs.sort((a, b) => a - b);
    const at = (share: number): number => tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * share))] ?? 0;
    return { count, medianMs: at(0.5), p99Ms: at(0.99), slowestMs: tookMs.at(-1) ?? 0, attemptsAfter };
  });
}

/** What the figures are, in a line. */
export function cancelLine({ count, medianMs, p99Ms, slowestMs }: CancelReport): string {
  const [median, p99, slowest] = [medianMs, p99Ms, slowestMs].map((ms) => ms.toFixed(1));
  return `${count} callers left: the provider's connection closed after ${median} ms (median), ${p99} ms (p99), ${slowest} ms (slowest)\n`;
}

async function ask({ gateway }: Wall, leaving: Leaving, model: string, signal: AbortSignal): Promise<void> {
  const { protocol, moment, provider } = leaving;
  const stream = moment !== "unary";
  const request = asking(`${provider}/${model}`);
  if (protocol === "rest") {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${gateway.adminKey}` },
      body: JSON.stringify(toRest(create(ChatRequestSchema, request), stream)),
      signal,
    });
    await answer.text();
    return;
  }
  const client = createClient(ChatService, transportOf(protocol, gateway.url));
  const options = { headers: { authorization: `Bearer ${gateway.adminKey}` }, signal };
  if (!stream) await client.generate({ request }, options);
  else for await (const message of client.generateStream({ request }, options)) void message;
}

function transportOf(protocol: Leaving["protocol"], baseUrl: string): Transport {
  if (protocol === "grpc") return createGrpcTransport({ baseUrl });
  if (protocol === "grpc-web") return createGrpcWebTransport({ baseUrl, httpVersion: "1.1" });
  return createConnectTransport({ baseUrl, httpVersion: protocol === "connect http/2" ? "2" : "1.1" });
}
