import { isJson, type ChatRequest } from "../contract/index.ts";
import type { ContentRules } from "../policy/content/content-policy.ts";
import { textStream, type PassedText, type TextKind } from "../policy/content/text-stream.ts";
import { visitRequest } from "../policy/content/visit-texts.ts";
import { judge, hookAsker, type HookPorts } from "./ask-hook.ts";
import type { ChatCall } from "./call.ts";
import { ContentReport, contentBlocked } from "./content-report.ts";

interface FieldText {
  readonly field: string;
  readonly kind: TextKind;
  text: string;
}

// What is read in one turn of the event loop, so that a large request does not keep the others waiting.
const SLICE_CHARS = 16 * 1024;

/**
 * Applies the content rules of the way in. Where they mask something, the call goes on with a copy of the request that
 * tells of it, and the request as it came goes nowhere. Rejects with `CONTENT_BLOCKED`, which names rule and field.
 */
export async function filterRequest(call: ChatCall, rules: ContentRules, ports: HookPorts): Promise<ChatCall> {
  const report = new ContentReport();
  const texts: FieldText[] = [];
  visitRequest(
    call.request,
    (text, field, kind) => (texts.push({ text, field, kind }), text),
    () => {},
  );
  await passTexts(texts, rules, ports, report);
  if (rules.hooks.length > 0) {
    const judged = await judge(rules.hooks, texts, hookAsker(ports, call, "input"));
    if (judged.blocked) throw contentBlocked("input", judged.blocked.rule, judged.blocked.field, judged.blocked.why);
    for (const [index, names] of judged.masked) {
      const one = texts[index]!;
      if (one.kind === "json" && isJson(one.text) && !isJson(judged.texts[index]!)) {
        const why = `masks what the JSON of ${one.field} cannot do without`;
        throw contentBlocked("input", [...names].join(", "), one.field, why);
      }
      one.text = judged.texts[index]!;
      report.masked(one.field, names);
    }
  }
  if (!report.changed) return call;
  // Whatever of a call speaks of the bytes that were received must not be copied here.
  return { ...call, request: rewritten(call.request, texts, report), adaptations: report.adaptations() };
}

async function passTexts(
  texts: readonly FieldText[],
  rules: ContentRules,
  { runtime }: HookPorts,
  report: ContentReport,
): Promise<void> {
  let left = SLICE_CHARS;
  for (const one of texts) {
    const stream = textStream(rules.texts, one.kind);
    let text = "";
    const take = (passed: Omit<PassedText, "hits">): void => {
      if (passed.blockedBy !== undefined) throw contentBlocked("input", passed.blockedBy, one.field);
      text += passed.text;
    };
    for (let at = 0; at < one.text.length;) {
      const slice = one.text.slice(at, at + left);
      take(stream.push(slice));
      at += slice.length;
      left -= slice.length;
      if (left > 0) continue;
      await new Promise<void>((resolve) => runtime.afterTurn(resolve));
      left = SLICE_CHARS;
    }
    take(stream.end());
    if (stream.hits.size === 0) continue;
    report.masked(one.field, stream.hits);
    one.text = text;
  }
}

function rewritten(request: ChatRequest, texts: readonly FieldText[], report: ContentReport): ChatRequest {
  let next = 0;
  // The texts come in the same order again.
  return visitRequest(
    request,
    () => texts[next++]!.text,
    (field) => report.dropped(field, "state of a part that was masked is left out, since it is sealed over the part"),
  );
}
