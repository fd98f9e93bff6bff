/**
 * Takes keys out of a text before it is stored, shown or logged: the known ones in every form in which
 * they travel, and whatever looks like a key. It rather takes too much than too little.
 */
import type { Secret } from '../foundation/secret.ts';
import { foreignKeys } from './foreign-key-shapes.ts';
import type { KeyShape } from './provider-entry.ts';
import { knownProviders } from './registry.ts';

export const redactionMarker = '[redacted]';

/**
 * @param text what a provider, an error or a log line says
 * @param known keys that must not stand in it, whatever they look like
 * @returns the text with `[redacted]` in the place of every key
 */
export function redactSecrets(text: string, known: readonly Secret[]): string {
  const forms = known.flatMap((secret) => formsOf(secret.reveal())).toSorted((a, b) => b.length - a.length);
  const withoutKnown = forms.reduce((rest, form) => rest.replaceAll(form, redactionMarker), text);
  return patterns.reduce(
    (rest, pattern) => rest.replace(pattern, `$<before>${redactionMarker}`),
    withoutKnown,
  );
}

/** Whether the text holds the secret as such or, where it is worth the time, in any form in which it travels. */
export function holdsSecret(text: string, secret: Secret, form: 'as such' | 'in any form'): boolean {
  const value = secret.reveal();
  return form === 'as such' ? text.includes(value) : formsOf(value).some((one) => text.includes(one));
}

/** Longer texts are not quoted at all: a cut before the keys are out could leave half of one. */
const longestQuoted = 16 * 1024;

/**
 * What somebody else said, fit to be stored and shown: without keys, on one line, without characters that
 * steer a terminal or turn the direction of text, and at most `longest` characters. Empty where the text is
 * of a length that nobody reads.
 */
export function quotable(text: string, known: readonly Secret[], longest: number): string {
  if (text.length > longestQuoted) return '';
  const line = redactSecrets(text, known)
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1).toWellFormed()}…`;
}

/** The secret as such, in a URL, in a JSON string, and in base64 (also amid other bytes). */
function formsOf(secret: string): readonly string[] {
  const inUrl = encodeURIComponent(secret.toWellFormed());
  const forms = [
    secret,
    inUrl,
    inUrl.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()),
    JSON.stringify(secret).slice(1, -1),
    ...base64FormsOf(secret),
  ];
  return [...new Set(forms)].filter((form) => form !== '');
}

/** Shorter pieces of base64 would also hit harmless text. */
const shortestBase64 = 8;

/** Base64 shifts with the bytes that stand before; each of the three alignments leaves a certain core. */
function base64FormsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const cores = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6)),
  );
  return [bytes.toString('base64'), ...cores].flatMap((form) =>
    form.length < shortestBase64
      ? []
      : [form, form.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')],
  );
}

/** What a key is made of; cut and lengthened keys must go too, since shapes change. The digit spares prose. */
const token = String.raw`(?=[\w.+/=-]{0,200}?\d)[\w.+/=-]{12,}`;
/** A word begins where no letter stands before, or right after an escape of a URL or of a string. */
const wordStart = String.raw`(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))`;
/** Keeps hashes and identifiers of one case readable where a shape is nothing but a length. */
const mixedCase = '(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])';

const keyShapes: readonly KeyShape[] = [
  ...[...knownProviders, ...foreignKeys].flatMap((provider) => provider.keyShapes),
  ...knownProviders
    .flatMap((provider) => provider.forbiddenKeys)
    .map(({ prefix }) => ({ prefix, rest: token })),
];

/** The group `before` is kept; what follows it is the secret. */
const patterns: readonly RegExp[] = [
  ...keyShapes.map((shape) => new RegExp(inText(shape), 'g')),
  new RegExp(String.raw`(?<before>\b(?:bearer|basic)(?:\s+|%20))${token}`, 'gi'),
  /(?<before>[?&](?:api[_-]?)?key=)[^&\s"'<>\\]+/gi,
];

function inText({ prefix, rest }: KeyShape): string {
  if (prefix === '') return `(?<before>${wordStart})${mixedCase}${rest}(?![A-Za-z0-9])`;
  const literal = prefix.replaceAll(/\W/g, String.raw`\$&`);
  return `(?<before>)${literal}(?:${token}|${rest}[\\w-]*)`;
}
