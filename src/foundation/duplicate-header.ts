/** Finds a header that may stand once and stands more than once: Node keeps one of them, or joins them, silently. */

/**
 * @param rawHeaders names and values in turn, as node:http has them
 * @param singular names of headers that may stand once, in lower case
 * @returns the name in lower case; undefined where there is none
 */
export function duplicateHeader(
  rawHeaders: readonly string[],
  singular: ReadonlySet<string>,
): string | undefined {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!singular.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}
