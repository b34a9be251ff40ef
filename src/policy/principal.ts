import type { Constraints } from "../contract/index.ts";

/** Who calls, and what they may do. Compiled when keys are loaded; nothing is looked up per request but this. */
export interface Principal {
  /** Id of the key in books and logs; never the key itself. */
  readonly keyId: string;
  /** A name for people. */
  readonly name: string;
  /** `admin` may do everything; `chat` may chat and list models. */
  readonly role: "admin" | "chat";
  /** Whether the key may use this model, route or `provider/model`. */
  readonly allowsModel: (name: string) => boolean;
  /** What its policy demands of every target. */
  readonly constraints?: Constraints | undefined;
  /** Whether requests may carry fields of a provider's own API. */
  readonly allowsRawParams: boolean;
}
