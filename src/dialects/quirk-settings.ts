import type { Quirk } from "../catalog/facts.ts";

/** The switches of a codec: their defaults, and the words that some of them are limited to. */
export interface SettingsTable<Settings extends object> {
  readonly defaults: Settings;
  readonly choices: { readonly [Name in keyof Settings]?: readonly string[] };
}

/** Settings in force, and the quirk behind each that is not a default. */
export interface ResolvedSettings<Settings extends object> {
  readonly settings: Settings;
  readonly quirkOf: ReadonlyMap<string, string>;
}

/** Names of settings that a codec does not have, or whose value it cannot use. Empty: all can take effect. */
export function unusableSettingsOf<Settings extends object>(
  table: SettingsTable<Settings>,
  settings: Readonly<Record<string, unknown>>,
): readonly string[] {
  return Object.entries(settings)
    .filter(([name, value]) => !isUsable(table, name, value))
    .map(([name]) => name);
}

/** The settings that a list of quirks adds up to; a later quirk wins over an earlier one. Unusable ones are ignored. */
export function resolveSettingsOf<Settings extends object>(
  table: SettingsTable<Settings>,
  quirks: readonly Quirk[],
): ResolvedSettings<Settings> {
  const settings: Record<string, unknown> = Object.fromEntries(Object.entries(table.defaults));
  const quirkOf = new Map<string, string>();
  for (const quirk of quirks) {
    for (const [name, value] of Object.entries(quirk.settings ?? {})) {
      if (!isUsable(table, name, value)) continue;
      settings[name] = value;
      quirkOf.set(name, quirk.id);
    }
  }
  return { settings: settings as unknown as Settings, quirkOf };
}

function isUsable<Settings extends object>(table: SettingsTable<Settings>, name: string, value: unknown): boolean {
  if (!Object.hasOwn(table.defaults, name)) return false;
  const key = name as keyof Settings;
  const choices = table.choices[key];
  return choices ? choices.includes(value as string) : typeof value === typeof table.defaults[key];
}
