import type { Capability, ModelFacts, Quirk } from "./facts.ts";
import { Modality, Support } from "../contract/index.ts";

type Capabilities = Partial<Record<Capability, Support>>;

const INPUT: readonly (readonly [Modality, Capability])[] = [
  [Modality.IMAGE, "image_input"],
  [Modality.AUDIO, "audio_input"],
  [Modality.VIDEO, "video_input"],
];
const OUTPUT: readonly (readonly [Modality, Capability])[] = [
  [Modality.IMAGE, "image_output"],
  [Modality.AUDIO, "audio_output"],
];

/**
 * What is known of a model when `override` is laid over `base`. Capabilities are merged one by one and quirks by id;
 * prices, limits and everything else are replaced as a whole, where the override has them. Modalities that the override
 * lists are capabilities as well, unless it says otherwise of those.
 */
export function mergeFacts(base: Partial<ModelFacts>, override: Partial<ModelFacts>): ModelFacts {
  const { inputModalities, outputModalities } = override;
  const capabilities: Capabilities = {
    ...base.capabilities,
    ...listedAs(inputModalities, INPUT),
    // Lists of modalities tend to leave documents out, so that nothing follows from their absence.
    ...(inputModalities?.includes(Modality.DOCUMENT) ? { document_input: Support.NATIVE } : {}),
    ...listedAs(outputModalities, OUTPUT),
    ...override.capabilities,
  };
  return { ...base, ...override, capabilities, quirks: mergeQuirks(base.quirks ?? [], override.quirks ?? []) };
}

function listedAs(listed: readonly Modality[] | undefined, table: typeof INPUT): Capabilities {
  if (!listed) return {};
  return Object.fromEntries(
    table.map(([modality, name]) => [name, listed.includes(modality) ? Support.NATIVE : Support.REJECTED]),
  );
}

function mergeQuirks(base: readonly Quirk[], override: readonly Quirk[]): readonly Quirk[] {
  if (override.length === 0) return base;
  const replaced = new Set(override.map((quirk) => quirk.id));
  return [...base.filter((quirk) => !replaced.has(quirk.id)), ...override];
}
