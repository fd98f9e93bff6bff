/** A secret shows as its fingerprint wherever a value can show, and gives its text to reveal() alone. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { format, inspect } from 'node:util';
import { serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';

const value = ['sk', 'planted', 'secret', 'e41b'].join('-');

function printed(print: (console: Console) => void): string {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  print(new Console(stream, stream));
  return text;
}

/** Lets a secret stand where a string is expected, as in code without types. */
const asText = (secret: Secret): string => secret as unknown as string;

const holders: readonly (readonly [string, (secret: Secret) => unknown])[] = [
  ['itself', (secret) => secret],
  ['an object', (secret) => ({ key: secret })],
  ['a deep object', (secret) => ({ a: { b: { c: [{ key: secret }] } } })],
  ['a map', (secret) => new Map([[secret, secret]])],
  ['a set', (secret) => new Set([secret])],
  ['an error', (secret) => Object.assign(new Error(`failed with ${asText(secret)}`), { secret })],
  ['the cause of an error', (secret) => new Error('failed', { cause: secret })],
];

const ways: readonly (readonly [string, (held: unknown) => string])[] = [
  ['string', (held) => String(held)],
  ['JSON', (held) => JSON.stringify(held) ?? ''],
  ['indented JSON', (held) => JSON.stringify(held, null, 2) ?? ''],
  ['inspect', (held) => inspect(held)],
  [
    'inspect with all there is',
    (held) => inspect(held, { depth: Infinity, showHidden: true, getters: true }),
  ],
  [
    'inspect without custom inspection',
    (held) => inspect(held, { depth: Infinity, showHidden: true, customInspect: false, showProxy: true }),
  ],
  ['format', (held) => ['%s', '%o', '%O', '%j', '%d'].map((way) => format(way, held)).join(' ')],
  ['console.log', (held) => printed((console) => console.log(held))],
  ['console.dir', (held) => printed((console) => console.dir(held, { depth: null, showHidden: true }))],
  ['console.table', (held) => printed((console) => console.table([held]))],
  ['structuredClone', (held) => inspect(structuredClone(held), { depth: Infinity, showHidden: true })],
  ['v8 serialisation', (held) => serialize(held).toString('latin1') + serialize(held).toString('utf16le')],
];

describe.each(holders)('in %s', (_holder, hold) => {
  it.each(ways)('%s does not show it', (_way, show) => {
    for (const secret of [new Secret(value), new Secret(value, 'fp_0123456789ab')])
      expect(show(hold(secret))).not.toContain(value);
  });
});

describe('a secret', () => {
  const secret = new Secret(value);

  it('shows as its fingerprint where it has one', () => {
    const sealed = secret.withFingerprint('fp_0123456789ab');
    expect(`is ${asText(sealed)}`).toBe('is [secret fp_0123456789ab]');
    expect(JSON.stringify({ sealed })).toBe('{"sealed":"[secret fp_0123456789ab]"}');
    expect(inspect({ sealed })).toBe('{ sealed: [secret fp_0123456789ab] }');
  });

  it('shows as [secret] where it has none', () => {
    expect([`is ${asText(secret)}`, JSON.stringify(secret), inspect(secret)]).toEqual([
      'is [secret]',
      '"[secret]"',
      '[secret]',
    ]);
  });

  it('hides in templates, sums, keys and the messages of errors', () => {
    const everything = [
      `is ${asText(secret)}`,
      asText(secret) + asText(secret),
      [secret].join(),
      Object.keys({ [String(secret)]: 1 }).join(),
      new TypeError(`no ${asText(secret)}`).stack,
    ].join('\n');
    expect(everything).not.toContain(value);
  });

  it('has no property, of whatever kind, that holds the text', () => {
    const properties = Reflect.ownKeys(secret).map((name) => Reflect.get(secret, name) as unknown);
    expect(properties).not.toContain(value);
    expect(Object.values(Object.assign({}, secret))).not.toContain(value);
  });

  it('gives its text to reveal(), with or without a fingerprint', () => {
    expect(secret.reveal()).toBe(value);
    expect(secret.withFingerprint('fp_0123456789ab').reveal()).toBe(value);
  });
});
