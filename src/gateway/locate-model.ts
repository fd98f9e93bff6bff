/**
 * Finds the value of the top-level field "model" in a JSON text, so that it can be replaced and every
 * other byte of the body kept as the caller sent it.
 */
import { KeywardError } from '../foundation/errors.ts';

/** Byte offsets of the value, its quotes included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

const mention = Buffer.from('model"');
const codePoint = Buffer.from('\\u');

/**
 * What `locateModel` finds, without a walk through a long conversation: undefined unless the body says
 * `model"` once only and holds no \u, the one escape by which a name can be spelt otherwise.
 * @param body as for `locateModel`
 */
export function locateOnlyMention(body: Buffer): Span | undefined {
  const nameEnd = body.indexOf(mention) + mention.length;
  if (body.includes(mention, nameEnd) || body.includes(codePoint)) return undefined;
  const start = startOfValue(body, nameEnd);
  return { start, end: endOfString(body, start) };
}

/**
 * @param body valid JSON (RFC 8259) in UTF-8 whose top level is an object with a string field "model"
 * @throws KeywardError duplicate_field when the field stands more than once: gateway and provider might
 *   each read another one of them
 */
export function locateModel(body: Buffer): Span {
  let found: Span | undefined;
  let depth = 0;
  let keyComesNext = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === quote) {
      const end = endOfString(body, at);
      if (depth === 1 && keyComesNext && isModel(body, at, end)) {
        if (found !== undefined) throw new KeywardError('duplicate_field', { param: 'model' });
        const start = startOfValue(body, end);
        // What was parsed as the model is a string, so this one is not the one that was parsed.
        if (body[start] !== quote) throw new KeywardError('duplicate_field', { param: 'model' });
        found = { start, end: endOfString(body, start) };
        at = found.end - 1;
      } else {
        at = end - 1;
      }
      keyComesNext = false;
    } else if (byte === openBrace || byte === openBracket) {
      depth += 1;
      keyComesNext = depth === 1;
    } else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
    } else if (byte === comma) {
      keyComesNext = depth === 1;
    }
  }
  if (found === undefined) throw new KeywardError('model_required', { param: 'model' });
  return found;
}

/** The body with the model's name replaced. */
export function replaceModel(body: Buffer, { start, end }: Span, model: string): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.from(JSON.stringify(model)), body.subarray(end)]);
}

/** The first byte after the name's end that is neither blank nor colon. */
function startOfValue(body: Buffer, nameEnd: number): number {
  let at = nameEnd;
  while (isBlankOrColon(body[at])) at += 1;
  return at;
}

function isBlankOrColon(byte: number | undefined): boolean {
  return byte === 0x3a || byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString(body: Buffer, start: number): number {
  let at = start;
  for (;;) {
    at = body.indexOf(quote, at + 1);
    if (at === -1) return body.length;
    let before = at - 1;
    while (body[before] === backslash) before -= 1;
    if ((at - before) % 2 === 1) return at + 1;
  }
}

function isModel(body: Buffer, start: number, end: number): boolean {
  const text = body.toString('utf8', start, end);
  // A key may be spelt with escapes; only then is it worth decoding.
  return text === '"model"' || (text.includes('\\') && JSON.parse(text) === 'model');
}
