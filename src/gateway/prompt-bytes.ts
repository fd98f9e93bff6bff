/**
 * How much text a call sends: what an estimate of its tokens rests on, where the provider does not tell them. Byte by
 * byte, since an expression runs out of stack on an image of ten megabytes.
 */
import { byteSet, within } from './byte-set.ts';

const quote = 0x22;
/** Shorter ones make no difference, and could be a word. */
const encodedBytes = 1_000;
/** Where the APIs have files: a word of a thousand letters anywhere else is text that somebody pays for. */
const fields = new Set([
  'data',
  'file_data',
  'url',
  'image_url',
  'image',
  'mask',
  'b64_json',
  'bytesBase64Encoded',
]);
const longestField = 18;
const dataUrl = Buffer.from('data:');

const base64 = byteSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_');

/** @returns the length of a JSON text without the files and images in it: long strings of base64 and data: URLs */
export function promptBytes(body: Buffer): number {
  let bytes = 0;
  // Between two quotes stands a string or what separates two, and neither is split by a quote that is escaped.
  let before = '';
  let name = '';
  for (let start = 0; start < body.length;) {
    const next = body.indexOf(quote, start);
    const end = next === -1 ? body.length : next + 1;
    const isLong = next - start >= encodedBytes;
    if (!isLong || before.trim() !== ':' || !fields.has(name) || !isFile(body.subarray(start, next)))
      bytes += end - start;
    name = before;
    before = isLong ? '' : body.toString('latin1', start, Math.min(end - 1, start + longestField));
    start = end;
  }
  return bytes;
}

function isFile(text: Buffer): boolean {
  if (text.subarray(0, dataUrl.length).equals(dataUrl)) return true;
  let at = 0;
  while (within(base64, text[at])) at += 1;
  return at === text.length;
}
