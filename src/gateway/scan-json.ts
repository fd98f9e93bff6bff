/**
 * Reads JSON (RFC 8259) to its last byte without making anything of it, and tells where the members of its top level
 * stand. What a text costs follows its length alone: JSON.parse takes seconds, in which nobody else is served, for an
 * object of a million names or a million brackets.
 */
import { byteSet, within } from './byte-set.ts';

/** A byte that cannot stand where it does; or the end, where `at` is the length of the text. */
export class JsonFault extends Error {
  /** Counted in bytes, from 0. */
  readonly at: number;

  constructor(at: number) {
    super(`not JSON at byte ${at}`);
    this.at = at;
  }
}

const quote = 0x22;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const blanks = byteSet(' \t\n\r');
const decimals = byteSet('0123456789');
const hexadecimals = byteSet('0123456789abcdefABCDEF');
/** What stands for itself in a string: all but quote, backslash and the control characters. */
const ordinary = new Uint8Array(256).fill(1, 0x20);
ordinary[quote] = 0;
ordinary[backslash] = 0;
const escapes = byteSet('"\\/bfnrt');
const exponents = byteSet('eE');
const words = ['true', 'false', 'null'].map((word) => Buffer.from(word));

/**
 * @param text in UTF-8; whether it is that is not looked at
 * @param member is told each member of an object at the top level, before its value is read: where its name begins and
 *   ends, the quotes included, and where its value begins
 * @returns where the value begins that the text is
 * @throws JsonFault at the first byte that makes it no JSON
 */
export function scanJson(
  text: Uint8Array,
  member: (nameStart: number, nameEnd: number, valueStart: number) => void,
): number {
  /** For each bracket that is open: whether it stands in an object itself. */
  const outer: boolean[] = [];
  let inObject = false;
  const start = skipBlanks(text, 0);
  let at = start;
  for (;;) {
    if (inObject) {
      const nameStart = at;
      const nameEnd = endOfString(text, nameStart);
      at = after(colon, text, skipBlanks(text, nameEnd));
      if (outer.length === 1) member(nameStart, nameEnd, at);
    }
    if (text[at] === openBrace || text[at] === openBracket) {
      outer.push(inObject);
      inObject = text[at] === openBrace;
      at = skipBlanks(text, at + 1);
      if (!closes(inObject, text[at])) continue;
    } else {
      at = skipBlanks(text, endOfScalar(text, at));
    }
    while (outer.length > 0 && closes(inObject, text[at])) {
      inObject = outer.pop() === true;
      at = skipBlanks(text, at + 1);
    }
    if (outer.length === 0) break;
    at = after(comma, text, at);
  }
  if (at < text.length) throw new JsonFault(at);
  return start;
}

/** One past the closing quote of the string that opens at `start`. @throws JsonFault */
export function endOfString(text: Uint8Array, start: number): number {
  if (text[start] !== quote) throw new JsonFault(start);
  let at = start + 1;
  for (;;) {
    while (within(ordinary, text[at])) at += 1;
    if (text[at] === quote) return at + 1;
    if (text[at] !== backslash) throw new JsonFault(at);
    at = endOfEscape(text, at);
  }
}

function endOfEscape(text: Uint8Array, start: number): number {
  let at = start + 1;
  if (within(escapes, text[at])) return at + 1;
  if (text[at] !== 0x75) throw new JsonFault(at);
  for (at += 1; at < start + 6; at += 1) if (!within(hexadecimals, text[at])) throw new JsonFault(at);
  return at;
}

function endOfScalar(text: Uint8Array, start: number): number {
  const first = text[start];
  if (first === quote) return endOfString(text, start);
  if (first === minus || within(decimals, first)) return endOfNumber(text, start);
  const word = words.find(([letter]) => letter === first);
  if (word === undefined) throw new JsonFault(start);
  for (let index = 1; index < word.length; index += 1)
    if (text[start + index] !== word[index]) throw new JsonFault(start + index);
  return start + word.length;
}

function endOfNumber(text: Uint8Array, start: number): number {
  let at = text[start] === minus ? start + 1 : start;
  at = text[at] === zero ? at + 1 : endOfDigits(text, at);
  if (text[at] === point) at = endOfDigits(text, at + 1);
  if (!within(exponents, text[at])) return at;
  at += 1;
  return endOfDigits(text, text[at] === plus || text[at] === minus ? at + 1 : at);
}

function endOfDigits(text: Uint8Array, start: number): number {
  let at = start;
  while (within(decimals, text[at])) at += 1;
  if (at === start) throw new JsonFault(at);
  return at;
}

function skipBlanks(text: Uint8Array, start: number): number {
  let at = start;
  while (within(blanks, text[at])) at += 1;
  return at;
}

function closes(inObject: boolean, byte: number | undefined): boolean {
  return byte === (inObject ? closeBrace : closeBracket);
}

/** Where the next token begins behind the byte that must stand here. */
function after(byte: number, text: Uint8Array, at: number): number {
  if (text[at] !== byte) throw new JsonFault(at);
  return skipBlanks(text, at + 1);
}
