import { Priority, type ChatRequest, type Constraints } from "../contract/index.ts";
import type { ConversationKey } from "./affinity.ts";
import type { Candidate, CandidateExclusion } from "./candidate.ts";
import { TYPICAL_TOKENS, likelyCostNanoUsd, requestTokens, worstCostNanoUsd, type RequestTokens } from "./cost.ts";
import type { Shortcoming } from "./exclusions.ts";
import type { CallKind, LiveTargets, TargetStatistics, Unavailable } from "./live.ts";
import type { Contender } from "./rank.ts";
import type { TargetSettings } from "./route-settings.ts";
import type { Target } from "./target.ts";

/** What planning asks of its surroundings. What is left out is not known, and nothing is ranked or excluded by it. */
export interface PlanPorts {
  /** Whether the key may use a route, a task (`task:name`) or `provider/model`. */
  readonly allowsModel: (name: string) => boolean;
  /** Binding fields of the request that the target cannot honour. */
  readonly unsupported: (request: ChatRequest, target: Target) => readonly Shortcoming[];
  /** What the caller's permissions keep from a target that would do more than was asked for. Unset: nothing. */
  readonly forbids?: ((request: ChatRequest, target: Target) => CandidateExclusion | undefined) | undefined;
  /** Why a target may not serve a key with budgets, in words; unset: the key has none. */
  readonly unboundedCost?: ((request: ChatRequest, target: Target) => string | undefined) | undefined;
  /** What the key's policy demands of every target. */
  readonly keyConstraints?: Constraints | undefined;
  /** Input tokens of the request; asked once, and only where it matters. */
  readonly inputSize?: (request: ChatRequest) => PlannedInput;
  readonly live?: LiveTargets;
  /** Why a target should not be asked now, since a limit on how fast attempts come is used up. Unset: there is none. */
  readonly limited?: ((request: ChatRequest, target: Target) => Unavailable | undefined) | undefined;
  /** The credentials that a target's provider takes turns with. */
  readonly credentialIds?: (target: Target) => readonly string[];
  readonly affinity?: { recall(key: ConversationKey): string | undefined };
  /** Whose conversations are told apart: an id of the key or its organisation. */
  readonly tenant?: string;
  /** Whether the answer is streamed, which its times are compared by. Unset: it is. */
  readonly stream?: boolean;
  /** Decides which requests go to a canary. */
  readonly requestId?: string;
  /** A number from 0 (inclusive) to 1 (exclusive). Unset: the strategy `weighted` puts the heaviest first. */
  readonly random?: () => number;
}

/** Input tokens of a request, without having read it as a tokenizer would; as the ledger estimates them. */
export interface PlannedInput {
  readonly upperBound: number;
  readonly likely: number;
  readonly least: number;
}

/** A target of which nothing has been heard. */
export const NO_STATISTICS: TargetStatistics = {
  attempts: 0,
  failures: 0,
  failuresByReason: {},
  running: 0,
  firstContentMs: undefined,
  outputTokensPerSecond: undefined,
  headroom: undefined,
};

const INTERACTIVE: readonly CallKind[] = [
  { stream: true, batch: false },
  { stream: false, batch: false },
];

/** What the candidates of one request share. */
export class Surroundings {
  readonly ports: PlanPorts;
  readonly request: ChatRequest;
  /** With which calls this one is compared. */
  readonly kind: CallKind;
  #input: PlannedInput | undefined;
  #tokens: RequestTokens | undefined;

  constructor(request: ChatRequest, ports: PlanPorts, priority: Priority) {
    this.request = request;
    this.ports = ports;
    this.kind = { stream: ports.stream ?? true, batch: priority === Priority.BATCH };
  }

  /** Undefined: nobody can tell. */
  get input(): PlannedInput | undefined {
    return (this.#input ??= this.ports.inputSize?.(this.request));
  }

  get tokens(): RequestTokens | undefined {
    const { input, request } = this;
    if (this.#tokens || !input) return this.#tokens;
    return (this.#tokens = requestTokens(request, input));
  }

  /** Why no attempt should go to a target now: it cannot answer, or none of its provider's credentials can be used. */
  unavailable(target: Target): Unavailable | undefined {
    const { live, credentialIds } = this.ports;
    const limited = this.ports.limited?.(this.request, target);
    if (limited) return limited;
    if (!live) return undefined;
    const own = live.unavailable(target);
    if (own || !credentialIds) return own;
    let soonest: Unavailable | undefined;
    for (const id of credentialIds(target)) {
      const one = live.credentialUnavailable(id);
      if (!one) return undefined;
      if (!soonest || one.retryInMs < soonest.retryInMs) soonest = one;
    }
    return soonest;
  }
}

/** A candidate while it is looked at. What only some strategies or Explain ask for is worked out when they do. */
export class Surveyed implements Candidate, Contender {
  readonly target: Target;
  readonly tier: number;
  readonly settings: TargetSettings;
  exclusion: CandidateExclusion | undefined;
  unavailable: Unavailable | undefined;
  rank: number | undefined;
  score: number | undefined;
  readonly #around: Surroundings;
  #statistics: TargetStatistics | undefined;

  constructor(target: Target, tier: number, settings: TargetSettings, around: Surroundings) {
    this.target = target;
    this.tier = tier;
    this.settings = settings;
    this.#around = around;
  }

  get statistics(): TargetStatistics {
    const { ports, kind } = this.#around;
    return (this.#statistics ??= ports.live?.statistics(this.target, kind) ?? NO_STATISTICS);
  }

  get interactive(): readonly TargetStatistics[] {
    const { live } = this.#around.ports;
    return live ? INTERACTIVE.map((kind) => live.statistics(this.target, kind)) : [];
  }

  get share(): number {
    return this.#around.ports.live?.share(this.target) ?? 1;
  }

  get costNanoUsd(): number | undefined {
    return likelyCostNanoUsd(this.target, this.#around.tokens ?? TYPICAL_TOKENS);
  }

  get worstCostNanoUsd(): bigint | undefined {
    const { tokens } = this.#around;
    return tokens && worstCostNanoUsd(this.target, tokens);
  }
}
