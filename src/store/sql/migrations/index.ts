import type { Migration } from "../migrate.ts";
import { ledger } from "./0001-ledger.ts";
import { identity } from "./0002-identity.ts";
import { leases } from "./0003-leases.ts";

/** All steps in the order in which they are taken. New ones are added at the end; none is ever changed. */
export const MIGRATIONS: readonly Migration[] = [ledger, identity, leases];
