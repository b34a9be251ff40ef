/** The value of the first of the named headers that is there, undefined without one. Names are in lower case. */
export function firstHeader(headers: Readonly<Record<string, string>>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) return value;
  }
  return undefined;
}
