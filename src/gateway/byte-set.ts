/** Sets of bytes, for what looks at a body one byte at a time: a look-up in a table of 256. */

export function byteSet(characters: string): Uint8Array {
  const members = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) members[byte] = 1;
  return members;
}

/** @param byte undefined behind the end of a text, which no set holds */
export function within(set: Uint8Array, byte: number | undefined): boolean {
  return byte !== undefined && set[byte] === 1;
}
