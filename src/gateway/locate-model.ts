/**
 * Finds the value of the top-level field "model" in a JSON text, so that it can be replaced and every
 * other byte of the body kept as the caller sent it.
 */
import { KeywardError } from '../foundation/errors.ts';
import { endOfString, scanJson } from './scan-json.ts';

/** Byte offsets of the value, its quotes included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const openBrace = 0x7b;

/**
 * @param body in UTF-8
 * @throws JsonFault where it is no JSON (RFC 8259)
 * @throws KeywardError body_not_object; model_required; model_invalid when it is no string; duplicate_field when the
 *   field stands more than once: gateway and provider might each read another one of them
 */
export function locateModel(body: Buffer): Span {
  const values: number[] = [];
  const top = scanJson(body, (nameStart, nameEnd, valueStart) => {
    if (isModel(body, nameStart, nameEnd)) values.push(valueStart);
  });
  if (body[top] !== openBrace) throw new KeywardError('body_not_object');
  const [start] = values;
  if (start === undefined) throw new KeywardError('model_required', { param: 'model' });
  if (values.length > 1) throw new KeywardError('duplicate_field', { param: 'model' });
  if (body[start] !== quote) throw new KeywardError('model_invalid', { param: 'model' });
  return { start, end: endOfString(body, start) };
}

/** The body with the model's name replaced. */
export function replaceModel(body: Buffer, { start, end }: Span, model: string): Buffer {
  return Buffer.concat([body.subarray(0, start), Buffer.from(JSON.stringify(model)), body.subarray(end)]);
}

const plainName = Buffer.from('"model"');
/** Each letter as an escape. */
const longestName = '"\\u006d\\u006f\\u0064\\u0065\\u006c"'.length;

function isModel(body: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (length < plainName.length || length > longestName) return false;
  if (length === plainName.length) return body.compare(plainName, 0, length, start, end) === 0;
  // A name may be spelt with escapes; only then is it worth decoding.
  return (
    body.subarray(start, end).includes('\\') && JSON.parse(body.toString('utf8', start, end)) === 'model'
  );
}
