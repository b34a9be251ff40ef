import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  PolicyOwnerSchema,
  PreviewPolicyResponseSchema,
  type PolicyOwner,
  type PreviewPolicyRequest,
  type PreviewPolicyResponse,
} from "../contract/admin.ts";
import { ErrorReason, type ChatRequest, type Decision } from "../contract/index.ts";
import { ParleyError } from "../errors/index.ts";
import type { PolicyOf } from "../policy/holder.ts";
import {
  compilePrincipal,
  holdersOf,
  type KeyRights,
  type PolicySource,
} from "../policy/identity/compile-principal.ts";
import { covers } from "../policy/identity/tenant.ts";
import { decidedBy, deniedBy } from "../policy/permits/decided-by.ts";
import type { HeldPolicy } from "../policy/permits/policy-rules.ts";
import type { Principal } from "../policy/principal.ts";
import { ROLE_VALUES } from "./key-message.ts";

/** Tells what keys may do. */
export interface PoliciesService {
  /** What a key may do, whose policy has decided it, and what would become of a request. Throws `NOT_FOUND`. */
  preview(request: PreviewPolicyRequest, caller: Principal): PreviewPolicyResponse;
}

/** What the service asks of its surroundings. */
export interface PoliciesPorts {
  /** What is known of a key of whatever source, whether it may be used now or not. */
  readonly rightsOf: (keyId: string) => KeyRights | undefined;
  readonly source: () => PolicySource;
  /** Where a chat request would go now. Throws what it would get before it has targets. */
  readonly decide: (principal: Principal, request: ChatRequest) => Decision;
}

/** The service over the configuration's policies and the keys that have them. */
export function createPoliciesService({ rightsOf, source, decide }: PoliciesPorts): PoliciesService {
  return {
    preview({ keyId, request }, caller) {
      const rights = rightsOf(keyId || caller.keyId);
      if (!rights || !mayAsk(caller, rights)) {
        throw new ParleyError("NOT_FOUND", "Cannot preview: there is no key with this id that you may see", {
          field: "key_id",
        });
      }
      const held = holdersOf(rights, source());
      const principal = compilePrincipal(rights, source());
      return create(PreviewPolicyResponseSchema, {
        keyId: principal.keyId,
        name: principal.name,
        role: ROLE_VALUES[principal.role],
        scopes: [...principal.scopes],
        organisation: principal.organisation ?? "",
        project: principal.project ?? "",
        rules: decidedBy(held).map(({ rule, value, by }) => ({ rule, value, decidedBy: by.map(ownerOf) })),
        ...(request ? judged(request, principal, held, decide) : {}),
      });
    },
  };
}

function mayAsk(caller: Principal, rights: KeyRights): boolean {
  if (rights.keyId === caller.keyId) return true;
  const { organisation, project } = rights;
  return (
    caller.scopes.has("keys:read") && covers(caller, { organisation: organisation ?? project?.split("/")[0], project })
  );
}

function judged(
  request: ChatRequest,
  principal: Principal,
  held: readonly HeldPolicy[],
  decide: PoliciesPorts["decide"],
): Pick<MessageInitShape<typeof PreviewPolicyResponseSchema>, "refusal" | "decision"> {
  try {
    return { decision: decide(principal, request) };
  } catch (thrown) {
    const { reason, field, message } = ParleyError.from(thrown);
    const isOfModel = reason === ErrorReason.MODEL_NOT_ALLOWED;
    const owners = isOfModel ? deniedBy(held, request.model).map(ownerOf) : [];
    return { refusal: { reason, field, message, decidedBy: owners } };
  }
}

function ownerOf({ holder, policy }: PolicyOf): PolicyOwner {
  return create(PolicyOwnerSchema, { holderKind: holder.kind, holder: holder.id, policy });
}
