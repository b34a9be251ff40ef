/** What a caller may be let in to do, and the sentence that documents it. Every method of every door names one. */
export const SCOPES = {
  chat: "Chat.",
  "models:read": "List the models that the key may use.",
  explain: "Ask where a request would go, and what became of the key's own requests.",
  "policies:read": "Ask what a key may do, and why not. Every key may ask about itself.",
  "usage:read": "Read what was used and what it cost. Every key may ask about itself.",
  "usage:write": "Correct what an attempt has cost.",
  "budgets:read": "Read what is left of budgets.",
  "keys:mint": "Mint browser keys, which may do a part of what the key may, for at most an hour.",
  "keys:read": "List keys.",
  "keys:write": "Make, change, rotate and revoke keys.",
  "audit:read": "Read and verify the audit log.",
  "budgets:write": "Change what is left of budgets.",
} as const;

/** A right that one or more roles have. */
export type Scope = keyof typeof SCOPES;

/** What kind of work a key is for. */
export type Role = "admin" | "chat" | "viewer" | "key-manager";

interface RoleRow {
  readonly what: string;
  readonly scopes: readonly Scope[];
  /** Roles that keys may have which it makes or changes: never more than it has over its own tenant. */
  readonly manages: readonly Role[];
}

const EVERY_SCOPE = Object.keys(SCOPES) as Scope[];

/** The roles. A role beyond `admin` is bound to the organisation or project of its key. */
export const ROLES: Readonly<Record<Role, RoleRow>> = {
  admin: {
    what: "Everything, everywhere.",
    scopes: EVERY_SCOPE,
    manages: ["admin", "chat", "viewer", "key-manager"],
  },
  chat: {
    what: "Chat, and what belongs to it.",
    scopes: ["chat", "models:read", "explain", "policies:read", "usage:read", "keys:mint"],
    manages: [],
  },
  viewer: {
    what: "Look at usage, audit and decisions.",
    scopes: ["models:read", "explain", "policies:read", "usage:read", "budgets:read", "audit:read"],
    manages: [],
  },
  "key-manager": {
    what: "Keep keys.",
    scopes: ["models:read", "policies:read", "usage:read", "keys:read", "keys:write"],
    manages: ["chat", "viewer", "key-manager"],
  },
};

/** Their names, the mightiest first. */
export const ROLE_NAMES = Object.keys(ROLES) as readonly Role[];

const ALL_OF: ReadonlyMap<Role, ReadonlySet<Scope>> = new Map(
  ROLE_NAMES.map((role) => [role, new Set(ROLES[role].scopes)]),
);

/** Every scope there is. */
export const ALL_SCOPES: ReadonlySet<Scope> = new Set(EVERY_SCOPE);

/** The scopes of a key: its role's, or those of them that `narrowed` names. */
export function scopesOf(role: Role, narrowed: readonly string[] = []): ReadonlySet<Scope> {
  const all = ALL_OF.get(role)!;
  return narrowed.length === 0 ? all : new Set([...all].filter((scope) => narrowed.includes(scope)));
}
