/** Lists that may be of any length, in a sentence. */
const mostNamed = 10;

/** The first ten of them, and how many more there are. */
export function shortened(names: readonly string[]): string {
  const more = names.length - mostNamed;
  return names.slice(0, mostNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
