import { create } from "@bufbuild/protobuf";
import { ConstraintsSchema, type Constraints } from "../../contract/index.ts";
import { compileGlobs } from "../glob.ts";
import type { Principal } from "../principal.ts";
import type { Scope } from "./roles.ts";

/** What a browser key may do less than its parent; unset: as its parent. */
export interface BrowserRights {
  readonly models?: readonly string[];
  readonly maxOutputTokens?: number;
  readonly regions?: readonly string[];
  readonly streaming?: boolean;
  readonly tools?: boolean;
  readonly reasoning?: boolean;
  /** The only origin that may use it. */
  readonly origin?: string;
}

// Never those with which keys beget keys, or that show what others do with the parent.
const BROWSER_SCOPES: readonly Scope[] = ["chat", "models:read"];

/** The parent with fewer rights: books, budgets and rates stay the parent's. No right of the result goes beyond it. */
export function narrow(parent: Principal, rights: BrowserRights): Principal {
  const { models = [], maxOutputTokens, regions = [], streaming = true, tools = true, reasoning = true } = rights;
  const allowed = models.length === 0 ? parent.allowsModel : bothAllow(parent.allowsModel, compileGlobs(models));
  const constraints = regions.length === 0 ? parent.constraints : withRegions(parent.constraints, regions);
  const { permits } = parent;
  return {
    ...parent,
    scopes: new Set(BROWSER_SCOPES.filter((scope) => parent.scopes.has(scope))),
    // Regions of which none is left are none at all, and an empty list would mean any.
    allowsModel: constraints === "nowhere" ? () => false : allowed,
    constraints: constraints === "nowhere" ? parent.constraints : constraints,
    permits: {
      ...permits,
      streaming: permits.streaming && streaming,
      tools: permits.tools && tools,
      reasoning: permits.reasoning && reasoning,
      maxOutputTokens: least(permits.maxOutputTokens, maxOutputTokens),
    },
  };
}

function bothAllow(one: (name: string) => boolean, other: (name: string) => boolean) {
  return (name: string): boolean => one(name) && other(name);
}

function withRegions(constraints: Constraints | undefined, wanted: readonly string[]): Constraints | "nowhere" {
  const has = constraints?.regions ?? [];
  const regions = has.length === 0 ? [...wanted] : wanted.filter((region) => has.includes(region));
  if (regions.length === 0) return "nowhere";
  return constraints ? { ...constraints, regions } : create(ConstraintsSchema, { regions });
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
