/**
 * A test of names against patterns in which `*` stands for any characters, slashes included. Compiled once; a test
 * takes time in proportion to the name's length times the number of patterns, whatever the patterns.
 */
export function compileGlobs(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const globs = patterns.filter((pattern) => pattern.includes("*")).map(compileGlob);
  return (name) => exact.has(name) || globs.some((glob) => glob(name));
}

function compileGlob(pattern: string): (name: string) => boolean {
  const pieces = pattern.split("*");
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  const middle = pieces.slice(1, -1).filter((piece) => piece !== "");
  return (name) => {
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    // The leftmost place for each piece leaves the most room for the rest, so no other place needs to be tried.
    const end = name.length - last.length;
    let from = first.length;
    for (const piece of middle) {
      const at = name.indexOf(piece, from);
      if (at < 0 || at + piece.length > end) return false;
      from = at + piece.length;
    }
    return true;
  };
}
