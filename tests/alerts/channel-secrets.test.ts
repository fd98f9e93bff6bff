import { describe, expect, it } from 'vitest';
import { secretsIn, withoutSettings } from '../../src/alerts/channel-secrets.ts';
import type { ChannelSettings } from '../../src/alerts/channel-settings.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { redactSecrets } from '../../src/providers/redact.ts';
import { occasionOfTests } from '../support/audited.ts';

const token = ['not', 'a', 'real', 'token', '0123456789'].join('-');
const address = `https://hooks.example.com/services/T00000001/${token}?sig=a%2Fb${token}&version=1`;
const signing = ['whsec', Buffer.from('a-secret-of-the-tests-that-is-long').toString('base64')].join('_');
const webhook: ChannelSettings = {
  kind: 'webhook',
  url: new Secret(address),
  secret: new Secret(signing),
  allowPrivateNetwork: false,
};

describe('of the settings of a channel', () => {
  it.each([
    ['the address', `POST ${address}: 500`, 'POST [redacted]: 500'],
    ['its path', `no route /services/T00000001/${token}`, 'no route [redacted]'],
    ['a segment of it', `unknown hook ${token}.`, 'unknown hook [redacted].'],
    ['a value of its query', `sig a/b${token} is wrong`, 'sig [redacted] is wrong'],
    ['the key of the signatures', `signed with ${signing}`, 'signed with [redacted]'],
    ['that key without its mark', `key ${signing.slice(6)}`, 'key [redacted]'],
  ])('%s is taken out', (_, said, kept) => {
    expect(redactSecrets(said, secretsIn(webhook))).toBe(kept);
  });

  it('ordinary words and the host stay', () => {
    const said = 'hooks.example.com has no services of version 1';
    expect(redactSecrets(said, secretsIn(webhook))).toBe(said);
  });

  it('a reason keeps none, whether the settings are right or faulty', () => {
    const reason = `moved to ${address} with ${signing} and ${token}-pw`;
    const fields = { url: address, secret: signing, password: `${token}-pw` };
    expect(withoutSettings({ ...occasionOfTests, reason }, fields).reason).toBe(
      'moved to [redacted] with [redacted] and [redacted]',
    );
    expect(withoutSettings({ ...occasionOfTests, reason: `at ${token}` }, { url: token }).reason).toBe(
      'at [redacted]',
    );
    expect(withoutSettings(occasionOfTests, fields)).toBe(occasionOfTests);
  });
});
