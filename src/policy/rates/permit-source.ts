// The shared store implements them, and it knows nothing of policy: hence they stand beside it.
export type { PermitDraw, PermitGrant, PermitSource } from "../../store/permit-source.ts";
