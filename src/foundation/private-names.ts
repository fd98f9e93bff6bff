/** Host names that lead nowhere on the public internet, so that no stranger can own one. */

/** Names that no registrar sells: RFC 6761, RFC 6762, RFC 8375, and `internal` as reserved by ICANN. */
const privateEndings = ['.localhost', '.local', '.home.arpa', '.internal', '.lan'];

/** @param name in lower case, without a port; addresses are not names */
export function isPrivateName(name: string): boolean {
  return !name.includes('.') || privateEndings.some((ending) => name.endsWith(ending));
}
