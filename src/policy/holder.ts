/** Who a policy holds for: an organisation, a project of it (`acme/search`), or a key. */
export interface Holder {
  readonly kind: "organisation" | "project" | "key";
  readonly id: string;
}
