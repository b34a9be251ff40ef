import { authorization } from "./requests.ts";
import type { Scenario } from "./scenarios.ts";
import type { Target } from "./targets.ts";

const checkTimeoutMs = 10_000;

interface StreamChunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

/** The text that a stream of OpenAI chunks adds up to. */
export function textOfEvents(body: string): string {
  const payloads = body.split("\n\n").flatMap((event) => (event.startsWith("data: {") ? [event.slice(6)] : []));
  return payloads
    .flatMap((payload) => (JSON.parse(payload) as StreamChunk).choices)
    .map((choice) => choice.delta.content ?? "")
    .join("");
}

/**
 * Asks once and compares the answer word for word, so that a fast but wrong target is not measured. gRPC is asked over
 * its load, which looks at each status. Throws with what came instead.
 */
export async function checkAnswer(scenario: Scenario, target: Target): Promise<void> {
  if (scenario.name === "grpc") return;
  const { path, contentType, body } = scenario.request;
  const response = await fetch(`http://127.0.0.1:${target.port}${path}`, {
    method: "POST",
    headers: { "content-type": contentType, authorization, "connect-protocol-version": "1" },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(checkTimeoutMs),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const streamsEvents = response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
  const isRight = streamsEvents
    ? textOfEvents(String(bytes)) === scenario.expected && String(bytes).endsWith("data: [DONE]\n\n")
    : bytes.includes(scenario.expected);
  if (response.status !== 200 || !isRight) {
    const shown = String(bytes.subarray(0, 400));
    throw new Error(
      `Cannot measure ${scenario.name}: the answer (status ${response.status}) is not the mock's: ${shown}`,
    );
  }
}
