/** Who a policy holds for: an organisation, a project of it (`acme/search`), or a key. */
export interface Holder {
  readonly kind: "organisation" | "project" | "key";
  readonly id: string;
}

/** Whose rule it is: a policy, and for whom it holds. */
export interface PolicyOf {
  readonly holder: Holder;
  /** Name of the policy. */
  readonly policy: string;
}

/** The policy for people, for example `the policy company of the organisation acme`. A key's id is not told. */
export function policyText({ holder, policy }: PolicyOf): string {
  return holder.kind === "key"
    ? `the key's policy ${policy}`
    : `the policy ${policy} of the ${holder.kind} ${holder.id}`;
}
