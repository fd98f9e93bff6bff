/**
 * Arbitrary JSON as text and not as values: blanks, escapes and numbers in every spelling that RFC 8259
 * allows, so that a test can tell whether a body was kept to the byte.
 */
import fc from 'fast-check';

const blanks = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 2 });

const spelling = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }).map(inString) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '\\"',
      '\\\\',
      '\\/',
      '\\b',
      '\\u0022',
      '\\u005C',
      '\\uD83D',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
    ),
  },
);

function inString(character: string): string {
  return JSON.stringify(character).slice(1, -1);
}

/** A string with its quotes. */
export const stringText: fc.Arbitrary<string> = fc
  .array(spelling, { maxLength: 8 })
  .map((units) => `"${units.join('')}"`);

const scalarText = fc.oneof(
  stringText,
  fc.constantFrom('true', 'false', 'null', '0', '-0', '1e400', '-1.50E-7', '12345678901234567890', '0.10'),
);

const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => ({
  value: fc.oneof({ maxDepth: 3, depthIdentifier: 'json' }, scalarText, tie('array'), tie('object')),
  array: fc.array(padded(tie('value')), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  object: fc
    .array(fc.tuple(padded(fc.oneof(stringText, fc.constant('"model"'))), padded(tie('value'))), {
      maxLength: 4,
    })
    .map((members) => `{${members.map(([name, member]) => `${name}:${member}`).join(',')}}`),
}));

/** Any value, as a member of an object. */
export const memberText: fc.Arbitrary<string> = padded(value);

function padded(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(blanks, text, blanks).map((parts) => parts.join(''));
}

/** The name "model" and its colon, each letter as it is or escaped. */
export const modelKeyText: fc.Arbitrary<string> = fc
  .tuple(
    ...Array.from('model', (letter) =>
      fc.constantFrom(letter, letter, escaped(letter), escaped(letter).toUpperCase().replace('\\U', '\\u')),
    ),
  )
  .chain((letters) => fc.tuple(padded(fc.constant(`"${letters.join('')}"`)), blanks))
  .map(([name, blank]) => `${name}:${blank}`);

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** An object as the text before and after the place of one more member; no name in it decodes to `avoiding`. */
export function jsonObjectText({
  avoiding,
}: {
  avoiding: string;
}): fc.Arbitrary<{ before: string; after: string }> {
  const name = stringText.filter((text) => JSON.parse(text) !== avoiding);
  const member = fc.tuple(padded(name), memberText).map(([key, text]) => `${key}:${text}`);
  const members = fc.array(member, { maxLength: 4 });
  return fc.tuple(blanks, members, members, blanks).map(([lead, left, right, trail]) => ({
    before: `${lead}{${left.map((text) => `${text},`).join('')}`,
    after: `${right.map((text) => `,${text}`).join('')}}${trail}`,
  }));
}
