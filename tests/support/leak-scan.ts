/**
 * Finds secrets in whatever was written: whole or in pieces, as such, in base64, in a URL, in hexadecimal
 * or backwards. A piece is 16 characters that are no part of what may be shown of a key.
 */

export interface PlantedSecret {
  readonly name: string;
  readonly value: string;
}

/** A mask shows the first 7 and the last 4 characters: no 16 in a row of them are secret by themselves. */
const pieceLength = 16;

export class LeakScan {
  readonly #pieces = new Map<string, string>();

  constructor(secrets: readonly PlantedSecret[]) {
    for (const { name, value } of secrets) {
      for (const [encoding, text] of encodings(value)) {
        for (let start = 0; start + pieceLength <= text.length; start += 1)
          this.#pieces.set(text.slice(start, start + pieceLength), `${name}, ${encoding}`);
      }
    }
  }

  /** The secrets of which a piece stands in the text, each with the way it is written there. */
  findIn(written: string | Buffer): string[] {
    const text = typeof written === 'string' ? written : written.toString('latin1');
    const found = new Set<string>();
    for (let start = 0; start + pieceLength <= text.length; start += 1) {
      const hit = this.#pieces.get(text.slice(start, start + pieceLength));
      if (hit !== undefined) found.add(hit);
    }
    return [...found].toSorted();
  }
}

function encodings(value: string): [string, string][] {
  const bytes = Buffer.from(value);
  const inUrl = encodeURIComponent(value);
  const forms: [string, string][] = [
    ['as such', value],
    ['in lower case', value.toLowerCase()],
    ['backwards', Array.from(value).toReversed().join('')],
    ['in a URL', inUrl],
    ['in hexadecimal', bytes.toString('hex')],
  ];
  for (const shift of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The characters at both ends hold bits of their neighbours.
    const core = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    forms.push(['in base64', core], ['in base64url', core.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  return forms;
}
