import { ParleyError } from "../errors/index.ts";
import {
  hookBody,
  maskSpans,
  readVerdict,
  type ContentHook,
  type HookText,
  type HookVerdict,
} from "../policy/content/hook.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { UpstreamClient } from "../upstream/upstream.ts";
import type { ChatCall } from "./call.ts";

/** What asking a hook needs of the gateway. */
export interface HookPorts {
  readonly runtime: Runtime;
  readonly upstream: UpstreamClient;
}

/** Asks about texts. Resolves with undefined where the hook gave no verdict; rejects where nobody waits for one any more. */
export type AskHook = (hook: ContentHook, texts: readonly HookText[]) => Promise<HookVerdict | undefined>;

const MAX_ANSWER_BYTES = 256 * 1024;
/** Characters of one question; a text is never cut for it. */
const MAX_QUESTION_CHARS = 256 * 1024;
const MAX_TEXT_CHARS = 1024 * 1024;

/** Asks on behalf of a request. */
export function hookAsker(
  { runtime, upstream }: HookPorts,
  call: Pick<ChatCall, "requestId" | "caller" | "request" | "signal">,
  direction: "input" | "output",
): AskHook {
  return (hook, texts) => {
    if (texts.some(({ text }) => text.length > MAX_TEXT_CHARS)) return Promise.resolve(undefined);
    const { requestId, caller, request } = call;
    const body = hookBody({ requestId, direction, key: caller.keyId, tags: request.tags, texts });
    const url = new URL(hook.url);
    const http = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: "POST" as const,
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        ...(hook.secret ? { authorization: `Bearer ${hook.secret.reveal()}` } : {}),
      },
      body,
    };
    return new Promise((resolve, reject) => {
      let status = 0;
      let bytes = 0;
      const chunks: Buffer[] = [];
      const settle = (step: () => void): void => {
        timer.cancel();
        call.signal.removeEventListener("abort", onAbort);
        step();
      };
      const giveUp = (step: () => void): void => {
        running.abort();
        settle(step);
      };
      const onAbort = (): void => giveUp(() => reject(ParleyError.from(call.signal.reason)));
      const timer = runtime.setTimer(hook.timeoutMs, () => giveUp(() => resolve(undefined)));
      call.signal.addEventListener("abort", onAbort, { once: true });
      const running = upstream.dispatch(http, {
        onHeaders: (code) => (status = code),
        onData(chunk) {
          bytes += chunk.length;
          if (bytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
          else giveUp(() => resolve(undefined));
        },
        // A redirect is no verdict: the texts go where the configuration says, and nowhere else.
        onEnd: () =>
          settle(() =>
            resolve(status === 200 ? readVerdict(Buffer.concat(chunks).toString("utf8"), texts) : undefined),
          ),
        onError: () => settle(() => resolve(undefined)),
      });
      if (call.signal.aborted) onAbort();
    });
  };
}

/** What hooks have made of texts. */
export interface Judged {
  readonly texts: readonly string[];
  /** Rules that have masked something, by the number of the text. */
  readonly masked: ReadonlyMap<number, ReadonlySet<string>>;
  readonly blocked: { readonly rule: string; readonly field: string; readonly why?: string } | undefined;
}

/** Asks hooks about texts, one hook after the other: each sees what the one before has left. */
export async function judge(hooks: readonly ContentHook[], texts: readonly HookText[], ask: AskHook): Promise<Judged> {
  const masked = new Map<number, Set<string>>();
  const left = texts.map(({ text }) => text);
  for (const hook of hooks) {
    for (const batch of batches(left)) {
      const question = batch.map((index) => ({ field: texts[index]!.field, text: left[index]! }));
      const verdict = await ask(hook, question);
      const [field = ""] = question.map((one) => one.field);
      if (!verdict && hook.onError === "block") {
        const why = "cannot be asked: its hook gave no verdict, and the rule then blocks";
        return { texts: left, masked, blocked: { rule: hook.rule, field, why } };
      }
      if (verdict?.decision === "block") return { texts: left, masked, blocked: { rule: hook.rule, field } };
      if (verdict?.decision !== "mask") continue;
      for (const [place, index] of batch.entries()) {
        if (!verdict.spans.some((span) => span.text === place)) continue;
        left[index] = maskSpans(left[index]!, place, verdict.spans, hook.replacement);
        masked.set(index, (masked.get(index) ?? new Set()).add(hook.rule));
      }
    }
  }
  return { texts: left, masked, blocked: undefined };
}

/** Numbers of the texts that say something, in questions of a bounded size. */
function batches(texts: readonly string[]): number[][] {
  const all: number[][] = [];
  let chars = Infinity;
  for (const [index, text] of texts.entries()) {
    if (text === "") continue;
    chars += text.length;
    if (chars > MAX_QUESTION_CHARS) {
      all.push([]);
      chars = text.length;
    }
    all.at(-1)!.push(index);
  }
  return all;
}
