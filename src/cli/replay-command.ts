import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { ConfigError, formatConfigError } from "../config/problem.ts";
import type { LiveConfig } from "../pipeline/parts.ts";
import { policySource } from "../policy/identity/compile-principal.ts";
import { KeyRing } from "../policy/identity/key-ring.ts";
import type { Principal } from "../policy/principal.ts";
import { realRuntime } from "../runtime/real.ts";
import { createHttpClient } from "../upstream/http-client.ts";
import { CommandError, type CliContext, type Command } from "./command.ts";
import { readDecision, type RecordedDecision } from "./recorded-decision.ts";
import { replay, type Replayed } from "./replay.ts";
import { replayText } from "./replay-text.ts";

/** `replay`: what recorded decisions would be under another configuration. */
export const replayCommand: Command = {
  usage: "replay",
  summary: "Say what recorded requests would do under another configuration, and what they would cost.",
  flags: {
    decisions: "file of recorded decisions (observability.decisions of the configuration that ran); required",
    config: "the other configuration's file; required",
  },
  counts: [0, 0],
  async run({ flags }, context) {
    const [decisions, config] = [flags.get("decisions"), flags.get("config")];
    if (decisions === undefined || config === undefined) {
      throw new CommandError("Cannot replay: both --decisions FILE and --config FILE are needed", 2);
    }
    const { recorded, unreadable } = readDecisions(resolve(context.cwd, decisions));
    const loaded = await load(resolve(context.cwd, config), context);
    const holders = holdersOf(loaded);
    const results = await withLive(loaded, (live) =>
      recorded.map((one): Replayed => replay(one, live, holders.get(one.keyId))),
    );
    context.stdout.write(replayText(results));
    if (unreadable > 0)
      context.stderr.write(`${unreadable} lines of ${decisions} are no decisions and were left out\n`);
  },
};

function readDecisions(path: string): { recorded: RecordedDecision[]; unreadable: number } {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new CommandError(`Cannot read the decisions ${path}: ${code}`);
  }
  const lines = text.split("\n").filter((line) => line !== "");
  const recorded = lines.map(readDecision).filter((one) => one !== undefined);
  if (recorded.length === 0) throw new CommandError(`Cannot replay ${path}: it holds no recorded decision`);
  return { recorded, unreadable: lines.length - recorded.length };
}

async function load(path: string, context: CliContext): Promise<LoadedConfig> {
  try {
    const known = await context.known();
    return loadConfig({ argv: ["--config", path], env: context.env, cwd: context.cwd, known });
  } catch (error) {
    throw error instanceof ConfigError ? new CommandError(formatConfigError(error).trimEnd()) : error;
  }
}

/** The holders of the configuration's own keys, by id: what they may use has changed with their policies. */
function holdersOf({ config }: LoadedConfig): ReadonlyMap<string, Principal> {
  if (config.keys.length === 0) return new Map();
  const ring = new KeyRing(config.keys, policySource(config.policies, config.organisations));
  return ring.holders();
}

// Providers are built as a gateway builds them, and never called: the sandbox needs no more than an address.
const NOWHERE = "http://127.0.0.1:1";
const NOBODY = {
  name: "replay",
  key: { reveal: () => "a key that is never sent" },
  role: "chat",
  policy: undefined,
} as const;

async function withLive<T>({ config }: LoadedConfig, use: (live: LiveConfig) => T): Promise<T> {
  const { buildLive } = await import("../live-config.ts");
  const { connectMs } = config.server.timeouts;
  const { connections, headerBytes } = config.server.limits;
  const runtime = realRuntime();
  const upstream = createHttpClient({
    connectMs,
    connectionsPerOrigin: connections,
    maxHeaderBytes: headerBytes,
    runtime,
  });
  try {
    const sandboxUrl = config.sandbox ? NOWHERE : undefined;
    return use(buildLive(config, [NOBODY], sandboxUrl, { upstream, runtime }));
  } finally {
    await upstream.close();
  }
}
