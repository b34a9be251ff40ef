import type { Constraints } from "../contract/index.ts";
import type { BudgetRule } from "./budgets/budget-rule.ts";
import type { ContentPolicy } from "./content/content-policy.ts";
import { ALL_SCOPES, type Role, type Scope } from "./identity/roles.ts";
import { EVERYTHING, type Permits } from "./permits/permits.ts";
import type { RateRule } from "./rates/rate-rule.ts";

/** Who calls, and what they may do. Compiled when keys are loaded; nothing is looked up per request but this. */
export interface Principal {
  /** Id of the key in books and logs; never the key itself. */
  readonly keyId: string;
  /** A name for people. */
  readonly name: string;
  /** What kind of work the key is for. */
  readonly role: Role;
  /** What it is let in to do: its role's scopes, or fewer. */
  readonly scopes: ReadonlySet<Scope>;
  /** Whether the key may use this model, route or `provider/model`. */
  readonly allowsModel: (name: string) => boolean;
  /** What its policy demands of every target. */
  readonly constraints?: Constraints | undefined;
  /** Name of the key's own policy; undefined: it has none. */
  readonly policy: string | undefined;
  /** Organisation and project (`organisation/project`) that the key belongs to; undefined: to none. */
  readonly organisation: string | undefined;
  readonly project: string | undefined;
  /** What its requests may do; the stricter of all its policies. */
  readonly permits: Permits;
  /** Ceilings on what its requests may cost; all of them hold. */
  readonly budgets: readonly BudgetRule[];
  /** Whether an output limit is lowered to what the budgets still allow. */
  readonly onLowBudget: "refuse" | "clamp";
  /** Route or model that serves it when a budget is used up; undefined: requests are refused. */
  readonly whenExceeded: string | undefined;
  /** Limits on how fast its requests may come; all of them hold. */
  readonly rates: readonly RateRule[];
  /** What may be said to and by models; undefined: anything. */
  readonly content: ContentPolicy | undefined;
}

/** Of a caller for whom nothing is forbidden, limited or owned by anybody. */
export const UNLIMITED = {
  scopes: ALL_SCOPES,
  policy: undefined,
  organisation: undefined,
  project: undefined,
  permits: EVERYTHING,
  budgets: [],
  onLowBudget: "refuse",
  whenExceeded: undefined,
  rates: [],
  content: undefined,
} as const satisfies Partial<Principal>;
