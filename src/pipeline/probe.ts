import { create } from "@bufbuild/protobuf";
import { ChatRequestSchema, Priority, Role, textPart } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { LiveTargets, ProbedTargets } from "../routing/live.ts";
import type { Target } from "../routing/target.ts";
import type { Timer } from "../runtime/runtime.ts";
import { authorise } from "./authorise.ts";
import { list } from "./list.ts";
import { attemptAlone, ownCall } from "./own-call.ts";
import type { ChatParts, LiveConfig, ProbeSettings } from "./parts.ts";

const LOOK_EVERY_MS = 500;
const MOST_AT_ONCE = 4;
// What nobody has tried out for so long after that time is given to callers again.
const SPARE_MS = 5_000;
// Fewer are refused by some APIs.
const TOKENS = 16;

/** What is tried out: a target, with any of its provider's credentials or with this one. */
interface Trial {
  readonly provider: string;
  readonly settings: ProbeSettings;
  readonly target: Target;
  readonly credentialId: string | undefined;
}

/**
 * Tries out what has rested, so that no caller's request has to be the probe: a few at once, each not more often than
 * configured, at times of which no two replicas have the same. Health learns from it; no key is charged. Returns how to stop.
 */
export function startProbes(parts: ChatParts & { readonly live: LiveTargets & ProbedTargets }): () => void {
  const { runtime, live } = parts;
  const notBeforeMs = new Map<string, number>();
  let running = 0;
  let timer: Timer;
  const tryOut = async (config: LiveConfig, trial: Trial): Promise<void> => {
    running += 1;
    try {
      await probe(parts, config, trial);
    } finally {
      running -= 1;
    }
  };
  const look = (): void => {
    timer = runtime.setTimer(LOOK_EVERY_MS * (0.5 + runtime.random()), look);
    const config = parts.current();
    const probes = config.probes ?? new Map<string, ProbeSettings>();
    live.leaveToProbes(new Map([...probes].map(([name, { everyMs }]) => [name, 1.5 * everyMs + SPARE_MS])));
    const nowMs = runtime.monotonicMs();
    for (const [name, dueMs] of notBeforeMs) if (dueMs <= nowMs) notBeforeMs.delete(name);
    for (const trial of [...probes].flatMap(([provider, settings]) => trialsOf(live, config, provider, settings))) {
      const subject = trial.credentialId ?? trial.target.name;
      if (running >= MOST_AT_ONCE || notBeforeMs.has(subject)) continue;
      notBeforeMs.set(subject, nowMs + trial.settings.everyMs * (0.75 + runtime.random() / 2));
      void tryOut(config, trial);
    }
  };
  look();
  return () => timer.cancel();
}

function trialsOf(live: ProbedTargets, config: LiveConfig, provider: string, settings: ProbeSettings): Trial[] {
  const { targets, credentials } = live.waiting(provider);
  const trial = (name: string | undefined, credentialId?: string): Trial[] => {
    const target = config.models.providers.get(provider)?.target((name ?? "").slice(provider.length + 1));
    return target ? [{ provider, settings, target, credentialId }] : [];
  };
  const usual = settings.model === undefined ? live.lastCalled(provider) : `${provider}/${settings.model}`;
  return [...targets.flatMap((name) => trial(name)), ...credentials.flatMap((id) => trial(usual, id))];
}

async function probe(parts: ChatParts, config: LiveConfig, { settings, target, credentialId }: Trial): Promise<void> {
  const { runtime } = parts;
  const request = create(ChatRequestSchema, {
    model: target.name,
    messages: [{ role: Role.USER, parts: [textPart("Say yes.")] }],
    sampling: { maxOutputTokens: TOKENS },
  });
  if (settings.kind === "chat") {
    const call = ownCall("probe", runtime.newId("probe"), request, false);
    const credential = credentialId === undefined ? {} : { credentialId };
    // One that is silent must not keep callers from trying for longer than they would wait themselves.
    const limits = { ...config.limits, totalMs: Math.min(config.limits.totalMs, config.limits.firstContentMs) };
    await attemptAlone({
      parts,
      config: { ...config, limits },
      call,
      target,
      priority: Priority.INTERACTIVE,
      ...credential,
    });
    return;
  }
  const adapter = config.adapters.get(target.provider);
  if (!adapter?.prepareListing) return;
  const isUsable = (id: string): boolean =>
    credentialId === undefined ? parts.live.credentialUnavailable(id) === undefined : id === credentialId;
  let prepared = adapter.prepareListing(request, target, isUsable);
  const startedMs = runtime.monotonicMs();
  const attempt = parts.live.begin(target, prepared.credentialId);
  const remainingMs = config.limits.firstContentMs;
  let error: ParleyError | undefined;
  try {
    const { signal } = new AbortController();
    prepared = await authorise(prepared, { runtime, signal, remainingMs, deadlineIsCallers: false });
    await list(parts, prepared, remainingMs);
  } catch (thrown) {
    error = ParleyError.from(thrown);
  }
  const durationMs = runtime.monotonicMs() - startedMs;
  attempt.end({ error, durationMs, firstContentMs: undefined, outputTokens: undefined, headroom: undefined });
}
