/**
 * Base64 as Fernet writes it: the URL-safe alphabet of RFC 4648 section 5, always padded. (Node's own
 * 'base64url' leaves the padding out.)
 */

export function encodeUrlSafeBase64(bytes: Buffer): string {
  return bytes.toString('base64url') + '='.repeat((3 - (bytes.length % 3)) % 3);
}

/**
 * Reads padded base64 in either alphabet, URL-safe or standard. A text that is not exactly what an
 * encoder writes (foreign characters, both alphabets mixed, padding missing or followed by more, bits
 * set that belong to no byte) is undefined.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const canonical = encodeUrlSafeBase64(bytes) === text || bytes.toString('base64') === text;
  return canonical ? bytes : undefined;
}
