import { createClient } from "@connectrpc/connect";
import { PolicyService, type PolicyOwner } from "../contract/admin.ts";
import { ErrorReason, Role, textPart } from "../contract/index.ts";
import { reasonName } from "../errors/index.ts";
import type { Command } from "./command.ts";
import { callFailure, CLIENT_FLAGS, connectToGateway } from "./gateway-client.ts";
import { writeTable } from "./table.ts";

/** `policy preview`: what a key may do, and whose policy has decided it. */
export const policyPreviewCommand: Command = {
  usage: "policy preview [KEY_ID]",
  summary: "Tell what a key may do and whose policy has decided it; without an id, your own key.",
  flags: { model: "what would become of a short chat with this model", ...CLIENT_FLAGS },
  counts: [0, 1],
  async run(input, context) {
    const { url, transport } = connectToGateway(input, context);
    const model = input.flags.get("model");
    const request = { model: model ?? "", messages: [{ role: Role.USER, parts: [textPart("hello")] }] };
    try {
      const answer = await createClient(PolicyService, transport).previewPolicy({
        keyId: input.args[0] ?? "",
        ...(model === undefined ? {} : { request }),
      });
      const place = answer.project || answer.organisation;
      context.stdout.write(`${answer.keyId} (${answer.name})${place && ` of ${place}`}: ${answer.scopes.join(", ")}\n`);
      writeTable(
        context.stdout,
        answer.rules.map(({ rule, value, decidedBy }) => [`  ${rule}`, value, decidedBy.map(ownerText).join(", ")]),
      );
      if (answer.rules.length === 0) context.stdout.write("  nothing is limited by a policy\n");
      const { refusal, decision } = answer;
      if (refusal) {
        const reason = refusal.reason === ErrorReason.UNSPECIFIED ? "" : `${reasonName(refusal.reason)}: `;
        context.stdout.write(
          `${model} is refused: ${reason}${refusal.message}${refusal.decidedBy.map((one) => `; ${ownerText(one)}`).join("")}\n`,
        );
      } else if (decision) {
        const targets = decision.candidates.filter(({ exclusion }) => !exclusion);
        context.stdout.write(
          `${model} is let in: ${targets.length} of ${decision.candidates.length} targets may serve it; parley explain tells more\n`,
        );
      }
    } catch (thrown) {
      throw callFailure("preview the policy", thrown, url);
    }
  },
};

function ownerText({ holderKind, holder, policy }: PolicyOwner): string {
  return `policy ${policy} of ${holderKind} ${holder}`;
}
