import type { KnownNames } from "./known-names.ts";
import { choice, duration, text } from "./scalars.ts";
import { listOf, section } from "./section.ts";

/** What tokens may be signed with: never `none`, and never a secret that whoever verifies could sign with too. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

/** Somebody whose signed tokens (JWT, OpenID Connect) are taken in place of keys. */
export function issuerSection(known: KnownNames) {
  const claim = (what: string) => text(`Name of the claim that says ${what}.`).optional();
  return section({
    issuer: text("What its tokens say in iss, to the character."),
    audience: text("What its tokens must say in aud."),
    jwks_url: text("Where its keys are, as a JSON Web Key Set; https, or http on this machine.").optional(),
    jwks: text('Its keys themselves, as a JSON Web Key Set, best as "${file:PATH}".').optional(),
    algorithms: listOf(
      choice("An algorithm.", ALGORITHMS),
      "What its tokens may be signed with.",
      "a list of algorithms",
    ),
    clock_skew: duration("How far its clock may be off.", [0, 300_000], 30_000).optional(),
    claims: section({
      organisation: claim("the organisation"),
      project: claim("the project, as organisation/project"),
      policy: claim("the policy"),
      role: claim("the role, which is never admin"),
    })
      .describe("Claims that say where the holder of a token belongs and what it may do.")
      .optional(),
    organisation: text("The organisation of all its tokens, where no claim says it.").optional(),
    project: text("The project of all its tokens, as organisation/project, where no claim says it.").optional(),
    policy: text("The policy of all its tokens, where no claim says it.").optional(),
    role: choice("The role of all its tokens, where no claim says it.", known.roles, [], "chat").optional(),
  }).meta({ id: "issuer" });
}
