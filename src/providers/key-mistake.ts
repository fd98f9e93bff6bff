/**
 * What goes wrong when a key is copied: input that cannot be a key of any provider. These are refused;
 * a mere unusual shape never is.
 */

/** Longer than any key seen, with room to grow; a header must hold it. */
const longestKey = 4096;

interface Mistake {
  readonly seenIn: (key: string) => boolean;
  readonly sentence: string;
}

/** In order: the first that fits explains best. */
const mistakes: readonly Mistake[] = [
  { seenIn: (key) => key === '', sentence: 'The key is empty.' },
  { seenIn: (key) => key.length > longestKey, sentence: `The key is longer than ${longestKey} characters.` },
  { seenIn: (key) => /^\s+$/.test(key), sentence: 'The key is nothing but white space.' },
  {
    seenIn: (key) => /[\r\n]/.test(key.trim()),
    sentence: 'The key has a line break inside. Copy it again as one line.',
  },
  {
    seenIn: (key) => /…|\*{3}|\.{2}|[•●]{2}|_{6}|(?<![Xx])(?:X{4,7}|x{4,7})[^Xx\W]{0,4}$/.test(key),
    sentence: 'This is a masked key, not the key itself. Copy it where the provider shows it in full.',
  },
  {
    seenIn: (key) => /^\s*(?:authorization:\s*)?bearer\s/i.test(key),
    sentence: 'The key starts with "Bearer ". Leave that word out.',
  },
  {
    seenIn: (key) => /^\s*(?:export\s+)?[A-Z][A-Z0-9_]*_(?:API_)?(?:KEY|TOKEN)\s*=/.test(key),
    sentence: 'This is a whole line of an environment file. Take only what stands after the equals sign.',
  },
  { seenIn: (key) => /^\s*https?:\/\//i.test(key), sentence: 'This is a web address, not a key.' },
  {
    seenIn: (key) => /^\s*["'`\u2018\u2019\u201C\u201D]|["'`\u2018\u2019\u201C\u201D]\s*$/.test(key),
    sentence: 'The key stands in quotation marks. Leave them out.',
  },
  {
    seenIn: (key) => /^\s|\s$/.test(key),
    sentence: 'The key has white space at its beginning or end. Copy it without.',
  },
  { seenIn: (key) => /\s/.test(key), sentence: 'The key has white space inside. Copy it again.' },
  {
    seenIn: (key) =>
      /^\s*\$[{(]?\w+[)}]?\s*$|^\{\{.*\}\}$|^changeme$|[<>]|x{8}|\byour[-_]?(?:\w+[-_])?(?:key|token)\b/i.test(
        key,
      ),
    sentence: 'This is the placeholder of an example, not a key.',
  },
  {
    seenIn: (key) => /^\W*(?:redacted|null|undefined|none|nil|true|false|todo|n\/a)\W*$/i.test(key),
    sentence: 'This is a word that stands in the place of a key, not a key.',
  },
  {
    seenIn: (key) => /^fp_[0-9a-f]{12}$/.test(key),
    sentence: 'This is the fingerprint of a key, as Keyward shows it, not the key itself.',
  },
  { seenIn: (key) => /["'`]/.test(key), sentence: 'The key has a quotation mark inside. Copy it again.' },
  {
    seenIn: (key) => /\p{Cc}/u.test(key),
    sentence: 'The key has a control character inside. Copy it again.',
  },
  {
    seenIn: (key) => /[^\u0021-\u007E]/.test(key),
    sentence: 'The key has a character inside that is not plain ASCII. Copy it again.',
  },
  {
    seenIn: (key) => /^gAAAAA[\w-]{90,}={0,2}$/.test(key),
    sentence: 'This is an encrypted value (a Fernet token), not the key itself.',
  },
];

/** The sentence that tells what is wrong, or undefined where the text could be a key. It never holds the text. */
export function keyMistake(key: string): string | undefined {
  return mistakes.find((mistake) => mistake.seenIn(key))?.sentence;
}
