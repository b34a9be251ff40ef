/** A set of the words of a list that spaces divide. */
export function words(list: string): ReadonlySet<string> {
  return new Set(list.split(/\s+/));
}
