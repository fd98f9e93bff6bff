/**
 * Finds a field that stands more than once in one object of a JSON text. JSON.parse takes the last one
 * silently, and a proxy that looked at the first one would have let through something else.
 */

/** What opens or closes; a string with what may follow a name. All else says nothing of names. */
const token = /[{}[\]]|"(?:[^"\\]|\\.)*"(?<colon>\s*:)?/g;

/**
 * @param text valid JSON (RFC 8259), nested as deep as it likes
 * @returns the first name that comes again, its escapes read; undefined where each stands once
 */
export function duplicateField(text: string): string | undefined {
  /** The names so far in each object that is open; none for a list. */
  const open: (Set<string> | undefined)[] = [];
  for (const { 0: found, groups } of text.matchAll(token)) {
    if (found === '{') open.push(new Set());
    else if (found === '[') open.push(undefined);
    else if (found === '}' || found === ']') open.pop();
    else if (groups?.['colon'] !== undefined) {
      const name = JSON.parse(found.slice(0, found.lastIndexOf('"') + 1)) as string;
      const names = open.at(-1);
      if (names?.has(name) === true) return name;
      names?.add(name);
    }
  }
  return undefined;
}
