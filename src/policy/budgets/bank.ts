// The shared store implements them, and it knows nothing of policy: hence they stand beside it.
export type { Bank, Bucket, Draw, Grant, SpendSource } from "../../store/bank.ts";
