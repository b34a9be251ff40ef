import type { IdentityTables } from "./tables-identity.ts";
import type { LeaseTables } from "./tables-lease.ts";
import type { LedgerTables } from "./tables-ledger.ts";

/** Every table by its name. A migration's tables stand in a file of their own. */
export interface Tables extends LedgerTables, IdentityTables, LeaseTables {}
