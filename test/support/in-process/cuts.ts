import { Delivery, Role } from "../../../src/contract/index.ts";
import { VirtualRuntime } from "../../../src/runtime/virtual.ts";
import { storyTokens } from "../../../src/sandbox/index.ts";
import { WALL_FORMATS, type WallFormat } from "../wall.ts";
import { InProcessGateway, type Told } from "./pipeline.ts";
import { SandboxUpstream } from "./sandbox-upstream.ts";

// A canonical answer that breaks at one of its bytes, in every way in which bytes can stop coming.

const TOKENS = 4;
const WHOLE = storyTokens(TOKENS).join("");

/** How the bytes stop: a reset, a close, silence, or an HTTP body that ends in good order. */
export const BREAKS = ["fault-cut", "fault-fin", "fault-stall", "fault-wrong-length"] as const;

/** What the caller gets then. */
export const MODES = [Delivery.COMMIT, Delivery.AUTO, Delivery.RESTARTABLE, Delivery.HOLD] as const;

/** One answer that breaks. */
export interface Cut {
  readonly format: WallFormat;
  readonly stream: boolean;
  readonly how: (typeof BREAKS)[number];
  readonly mode: (typeof MODES)[number];
  readonly atByte: number;
  /** Whether the second target tells the story again, of which it is known to say the same, instead of continuing it. */
  readonly repeats: boolean;
}

/** What came of many. */
export interface CutReport {
  readonly count: number;
  /** How many ended in each way. */
  readonly ends: Readonly<Record<string, number>>;
  /** How many were rescued after content. */
  readonly rescued: number;
  readonly defects: readonly string[];
}

const AT_ONCE = 200;
// Silence is noticed after 15 s without progress, at each of two targets.
const PATIENCE_MS = 40_000;
const MAX_DEFECTS = 20;

/** Every byte of the canonical answer in each wire format, in every mode and way to break: the slow suite's. */
export async function* everyCut(format: WallFormat, stream: boolean): AsyncGenerator<Cut> {
  const bytes = await bytesOf(format, stream);
  for (let atByte = 0; atByte <= bytes; atByte++) {
    for (const mode of MODES) {
      for (const how of BREAKS) {
        const repeats = (atByte + BREAKS.indexOf(how)) % 2 === 1;
        // Silence takes all the time that a whole answer has: there is none left for another target.
        if (stream || how !== "fault-stall") yield { format, stream, how, mode, atByte, repeats };
      }
    }
  }
}

/** Every `stride`th of them, so that each mode meets each way to break all over the answer. */
export async function* someCuts(stride: number): AsyncGenerator<Cut> {
  let number = 0;
  for (const stream of [true, false]) {
    for (const format of WALL_FORMATS) {
      for await (const cut of everyCut(format, stream)) if (number++ % stride === 0) yield cut;
    }
  }
}

/** Length of the canonical answer's body. */
async function bytesOf({ provider }: WallFormat, stream: boolean): Promise<number> {
  const runtime = new VirtualRuntime();
  const upstream = new SandboxUpstream(runtime);
  const asked = new InProcessGateway(runtime, upstream).ask(requestOf(`${provider}/story@tokens=${TOKENS}`), stream);
  await runtime.advance(0);
  await asked;
  return upstream.books.attempts[0]?.bytesSent ?? 0;
}

/** Plays them and judges what each caller was told. */
export async function playCuts(cuts: AsyncIterable<Cut>): Promise<CutReport> {
  const ends: Record<string, number> = {};
  const defects: string[] = [];
  let rescued = 0;
  let count = 0;
  const play = async (batch: readonly Cut[]): Promise<void> => {
    for (const { cut, told, tokensSent } of await playBatch(batch)) {
      count += 1;
      ends[told.end] = (ends[told.end] ?? 0) + 1;
      if (told.end === "completed" && told.marks.length > 0) rescued += 1;
      const wrong = [...told.defects, ...wrongAbout(cut, told, tokensSent)];
      if (wrong.length > 0 && defects.length < MAX_DEFECTS) defects.push(`${nameOf(cut)}: ${wrong.join("; ")}`);
    }
  };
  let batch: Cut[] = [];
  for await (const cut of cuts) {
    if (batch.push(cut) < AT_ONCE) continue;
    await play(batch);
    batch = [];
  }
  await play(batch);
  return { count, ends, rescued, defects };
}

interface Played {
  readonly cut: Cut;
  readonly told: Told;
  /** Tokens that left the first target whole. */
  readonly tokensSent: number;
}

async function playBatch(batch: readonly Cut[]): Promise<Played[]> {
  const runtime = new VirtualRuntime({ seed: 1 });
  const upstream = new SandboxUpstream(runtime);
  const running = batch.map(async (cut, index) => {
    const model = `${cut.how}@tokens=${TOKENS},at_byte=${cut.atByte},id=c${index}`;
    const next = WALL_FORMATS[(WALL_FORMATS.indexOf(cut.format) + 1) % WALL_FORMATS.length]!;
    const second = cut.repeats ? "same-again/no-prefill" : `${next.provider}/story`;
    const request = requestOf(`${cut.format.provider}/${model}`, `${second}@tokens=${TOKENS}`);
    // Each with a fresh budget of extra attempts, and with health of its own.
    const told = await new InProcessGateway(runtime, upstream).ask({ ...request, delivery: cut.mode }, cut.stream);
    return { cut, told, tokensSent: upstream.books.of(model)[0]?.tokensSent ?? 0 };
  });
  await runtime.advance(PATIENCE_MS);
  const left = runtime.pendingTimers;
  if (left > 0) throw new Error(`${left} timers are left behind by cuts from ${nameOf(batch[0]!)} on`);
  return Promise.all(running);
}

function requestOf(model: string, ...fallbackModels: string[]) {
  const messages = [{ role: Role.USER, parts: [{ kind: { case: "text" as const, value: { text: "Tell a story" } } }] }];
  return { model, messages, routing: { fallbackModels } };
}

function nameOf({ format, stream, how, mode, atByte, repeats }: Cut): string {
  const second = repeats ? "told again" : "continued";
  return `${format.format} ${stream ? "stream" : "unary"}, ${how} at byte ${atByte}, mode ${mode}, ${second}`;
}

/** What is wrong about what a caller was told of a cut answer, of which that many tokens had left whole. */
export function wrongAbout(cut: Cut, told: Told, tokensSent: number): string[] {
  const { end, text } = told;
  if (end === "completed") return text === WHOLE ? [] : [`complete, but says ${JSON.stringify(text)}`];
  const reasons = cut.how === "fault-stall" ? ["PROVIDER_TIMEOUT"] : ["STREAM_INTERRUPTED"];
  const defects = reasons.includes(end) ? [] : [`fails with ${end}`];
  const sent = storyTokens(TOKENS).slice(0, tokensSent).join("");
  // Only the end of a line may be missing: of CRLF the CR is enough, and a body that ends in good order ends its last event.
  const mayBeEarly = cut.format.format === "gemini-generate" || cut.how === "fault-wrong-length";
  const early = mayBeEarly
    ? storyTokens(TOKENS)
        .slice(0, tokensSent + 1)
        .join("")
    : sent;
  if (text !== sent && text !== early)
    defects.push(`${JSON.stringify(text)} was delivered, and ${JSON.stringify(sent)} was sent`);
  if (!told.hadContent) defects.push("was not rescued before content");
  if (cut.mode === Delivery.RESTARTABLE || cut.mode === Delivery.HOLD) defects.push("was not rescued");
  if (cut.mode === Delivery.AUTO && text !== WHOLE) defects.push("was not rescued although there was more to say");
  return defects;
}
