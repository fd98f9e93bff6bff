import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { quotable, redactSecrets } from '../../src/providers/redact.ts';

const awkward = new Secret('p"a\\ss w/örd+=?');

describe('a known key', () => {
  const value = awkward.reveal();

  test.each([
    ['as it is', `it was ${value}.`, 'it was [redacted].'],
    ['in a URL', `/x?y=${encodeURIComponent(value)}&z=1`, '/x?y=[redacted]&z=1'],
    ['in a URL with small letters', encodeURIComponent(value).toLowerCase(), '[redacted]'],
    ['in JSON', JSON.stringify({ said: `<${value}>` }), '{"said":"<[redacted]>"}'],
    ['in base64', `Basic dXNlcjo ${Buffer.from(value).toString('base64')}`, 'Basic dXNlcjo [redacted]'],
    ['in base64url', Buffer.from(value).toString('base64url'), '[redacted]'],
  ])('is taken out %s', (_where, text, redacted) => {
    expect(redactSecrets(text, [awkward])).toBe(redacted);
  });

  test('leaves nothing recognisable, wherever it stands in base64', () => {
    const key = ['fake', 'key', '0123456789abcdef'].join('-');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (before, after) => {
        const text = Buffer.concat([before, Buffer.from(key), after]).toString('base64');
        const redacted = redactSecrets(text, [new Secret(key)]);
        expect(redacted).toContain('[redacted]');
        expect(redacted.length).toBeLessThan(text.length);
      }),
    );
  });

  test('is gone from any text, and the rest of the text stays', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',', '\n') });
    fc.assert(
      fc.property(words, words, fc.string({ minLength: 6 }), (before, after, key) => {
        fc.pre(!`${before}|${after}`.includes(key) && !'[redacted]'.includes(key));
        expect(redactSecrets(`${before}|${key}|${after}`, [new Secret(key)])).toBe(
          `${before}|[redacted]|${after}`,
        );
      }),
    );
  });

  test('that begins with another known key is taken out whole', () => {
    expect(redactSecrets('abcdefgh', [new Secret('abcd'), new Secret('abcdefgh')])).toBe('[redacted]');
  });

  test('that is empty changes nothing', () => {
    expect(redactSecrets('text', [new Secret('')])).toBe('text');
  });
});

describe('what looks like a key', () => {
  const fake = 'Fake1'.repeat(10);

  test.each([
    ['OpenAI', ['sk', 'proj', fake].join('-')],
    ['OpenAI (admin)', ['sk', 'admin', fake].join('-')],
    ['Anthropic', ['sk', 'ant', 'api03', fake].join('-')],
    ['Anthropic (admin)', ['sk', 'ant', 'admin01', fake].join('-')],
    ['Google', `AIza${'f'.repeat(35)}`],
    ['Google (new)', `AQ.${fake}`],
    ['OpenRouter', ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-')],
    ['Together', ['tgp', 'v1', 'f'.repeat(43)].join('_')],
    ['Groq', ['gsk', 'f'.repeat(52)].join('_')],
    ['Fireworks', ['fw', 'f'.repeat(24)].join('_')],
    ['Mistral', 'Fake'.repeat(8)],
    ['xAI', ['xai', 'f'.repeat(80)].join('-')],
    ['DeepSeek', ['sk', 'fa4e'.repeat(8)].join('-')],
    ['Perplexity', ['pplx', 'f'.repeat(48)].join('-')],
    ['Cohere', 'Fake1'.repeat(8)],
    ['Hugging Face', ['hf', fake].join('_')],
    ['a key cut short', ['sk', 'or', 'v1', 'fa4e'.repeat(4)].join('-')],
    ['a key longer than usual', ['gsk', 'f'.repeat(70)].join('_')],
  ])('(%s) is taken out, wherever it stands', (_whose, key) => {
    expect(redactSecrets(`Incorrect API key provided: ${key}`, [])).toBe(
      'Incorrect API key provided: [redacted]',
    );
    expect(redactSecrets(`provided:%20${key}"`, [])).toBe('provided:%20[redacted]"');
    expect(redactSecrets(`{"m":"line\\n${key}"}`, [])).toBe('{"m":"line\\n[redacted]"}');
    expect(redactSecrets(`'api_key:${key}'`, [])).toBe("'api_key:[redacted]'");
  });

  test.each([
    ['authorization: Bearer 0pA.que-token_value', 'authorization: Bearer [redacted]'],
    ['GET /v1beta/models?key=whatever&pageSize=1', 'GET /v1beta/models?key=[redacted]&pageSize=1'],
    ['{"url":"http://x/?a=1&api_key=whatever"}', '{"url":"http://x/?a=1&api_key=[redacted]"}'],
  ])('by its place is taken out: %s', (text, redacted) => {
    expect(redactSecrets(text, [])).toBe(redacted);
  });

  test.each([
    'request_id c61f2f15feca71626a990e3740f99245',
    'commit 14be17f0c61f2f15feca71626a990e3740f99245',
    'id 5ea6f6bd-7815-4b8a-9135-28b2d7ba6722',
    'req_011CXw8h8A796q3f74Ezmhav',
    'Authentication Fails, Your api key: ****fcc2 is invalid',
    'WWW-Authenticate: Bearer error="invalid_token"',
    'the risk-based task-runner of disk-usage',
  ])('leaves harmless text alone: %s', (text) => {
    expect(redactSecrets(text, [])).toBe(text);
  });
});

test('redacting twice changes nothing more', () => {
  const text = `a ${['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-')} ?key=1 Bearer abcdefghijklmnop1`;
  const once = redactSecrets(text, [awkward]);
  expect(redactSecrets(once, [awkward])).toBe(once);
});

describe('what somebody else said, fit to be shown', () => {
  const key = ['fake', 'key', '0123456789abcdef'].join('-');
  const quoted = (text: string, longest = 40): string => quotable(text, [new Secret(key)], longest);

  test('is without keys, also where a cut would have left half of one', () => {
    expect(quoted(`it was ${key}`)).toBe('it was [redacted]');
    expect(quoted(`${'x '.repeat(15)}${key}`)).not.toContain('fake');
  });

  test('is one line, without what steers a terminal or turns the direction of text', () => {
    expect(quoted('\u0007a\u001B]0;title\u0007\n\tb\u2028c\u202Ed\u200B')).toBe('a ]0;title b c d');
  });

  test('is cut to its length, with a mark, and no half of a character', () => {
    expect(quoted('a'.repeat(41))).toBe(`${'a'.repeat(39)}…`);
    expect(quoted('a'.repeat(40))).toBe('a'.repeat(40));
    expect(quoted(`${'a'.repeat(38)}🙂🙂`).isWellFormed()).toBe(true);
  });

  test('is nothing where nobody would read it, without being searched', () => {
    expect(quoted('x'.repeat(10_000_000))).toBe('');
  });
});
