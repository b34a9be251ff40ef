/** The name of a contract's enum value in lower case, as this surface writes it. */
export function enumWord(names: Readonly<Record<string, number>>, value: number): string {
  return (Object.entries(names).find(([, one]) => one === value)?.[0] ?? "unknown").toLowerCase();
}
