/**
 * Encryption keys as people configure them: 32 bytes in base64, 44 characters. Reading one says exactly
 * what is wrong and never shows a character of it; a key that others can guess or look up is refused.
 */
import { randomBytes } from 'node:crypto';
import { UsageError } from '../foundation/errors.ts';
import { Secret } from '../foundation/secret.ts';
import { type FernetKey, fernetKeyFromBytes } from './fernet.ts';
import { isPublishedKey } from './published-keys.ts';
import { encodeUrlSafeBase64 } from './url-safe-base64.ts';

const keyBytes = 32;
const keyCharacters = 44;

export const makeAGoodKey = 'Make a good one with: keyward encryption-key generate';

/** The key cannot be used; `fault` says why, as a clause that can follow the name of the key. */
export class EncryptionKeyError extends UsageError {
  readonly fault: string;

  constructor(fault: string) {
    super(`The encryption key is not usable: ${fault}. ${makeAGoodKey}`);
    this.name = 'EncryptionKeyError';
    this.fault = fault;
  }
}

/** A new random key, in the 44 characters that Python's Fernet.generate_key() would write. */
export function generateEncryptionKey(): Secret {
  return new Secret(encodeUrlSafeBase64(randomBytes(keyBytes)));
}

/**
 * Reads one key. As Python does, it takes the standard alphabet for the URL-safe one and white space
 * around the key. Unlike Python, it does not skip what is not base64: that hides quotes and typing errors.
 *
 * @throws EncryptionKeyError
 */
export function parseEncryptionKey(text: string): FernetKey {
  const bare = text.trim();
  const bytes = Buffer.from(bare, 'base64');
  const fault = faultOfText(bare) ?? faultOfBytes(bytes);
  if (fault !== undefined) {
    throw new EncryptionKeyError(fault);
  }
  return fernetKeyFromBytes(bytes);
}

function faultOfText(text: string): string | undefined {
  if (text === '') {
    return 'it is empty';
  }
  if (text.includes('\0')) {
    return `it holds a NUL at position ${text.indexOf('\0') + 1}, as text saved as UTF-16 does`;
  }
  return faultOfDress(text) ?? faultOfShape(text);
}

/** What stands around a key, or in its place, when it was copied with too much care or too little. */
function faultOfDress(text: string): string | undefined {
  if (/^b(['"]).*\1$/s.test(text)) {
    return "it is dressed as Python prints bytes, b'...': write only what is between the quotes";
  }
  if (/^["'`‘’“”]|["'`‘’“”]$/u.test(text)) {
    return 'quotes were left in: write the key without them';
  }
  if (text.includes(',')) {
    return 'it holds a comma, and one key was expected, not a list';
  }
  if (/^(export\s+)?[A-Z][A-Z0-9_]*\s*=\s*[^=\s]/.test(text)) {
    return 'it begins with a name and "=": write only the value';
  }
  if (/^(0x)?[0-9a-f]{32,}$/i.test(text)) {
    return `it is hexadecimal, and a Fernet key is ${keyCharacters} characters of base64`;
  }
  if (text.startsWith('gAAAAA') && text.length > keyCharacters) {
    return 'it is a Fernet token, something encrypted, and not a key';
  }
  return undefined;
}

function faultOfShape(text: string): string | undefined {
  const stranger = text.search(/[^A-Za-z0-9+/_=-]/);
  if (stranger !== -1) {
    return `the character at position ${stranger + 1} is not of the URL-safe base64 alphabet (A-Z a-z 0-9 - _)`;
  }
  if (text.length !== keyCharacters) {
    const unpadded = text.length === keyCharacters - 1 && !text.includes('=');
    const hint = unpadded ? ': the "=" at its end is missing' : '';
    return `it has ${text.length} characters, and a Fernet key has ${keyCharacters}${hint}`;
  }
  return text.indexOf('=') === keyCharacters - 1 ? undefined : 'it must hold one "=", at its end';
}

function faultOfBytes(bytes: Buffer): string | undefined {
  if (bytes.every((byte) => byte === 0)) {
    return 'it is all zeros';
  }
  if (isPatterned(bytes)) {
    return 'its bytes follow a pattern that anyone can guess';
  }
  return isPublishedKey(bytes) ? 'it stands in public documentation, so everybody has it' : undefined;
}

/** Whether the bytes repeat themselves, or either half goes up or down by even steps. */
function isPatterned(bytes: Buffer): boolean {
  const half = keyBytes / 2;
  const periods = Array.from({ length: half }, (_, index) => index + 1);
  return (
    periods.some((period) => bytes.subarray(period).equals(bytes.subarray(0, -period))) ||
    isSequence(bytes.subarray(0, half)) ||
    isSequence(bytes.subarray(half))
  );
}

function isSequence(bytes: Buffer): boolean {
  const stepTo = (index: number) => (bytes.readUInt8(index) - bytes.readUInt8(index - 1)) & 0xff;
  return bytes.every((_, index) => index === 0 || stepTo(index) === stepTo(1));
}
