/** Settings fit their kind, lead where something may be sent, and are shown without what is secret. */
import { describe, expect, it } from 'vitest';
import {
  checkSettings,
  maskSettings,
  readSettings,
  type ChannelKind,
} from '../../src/alerts/channel-settings.ts';

const planted = ['T0PLANTED', 'B0PLANTED', 'planted0secret0path'].join('/');
const url = `https://hooks.slack.com/services/${planted}`;
const secret = ['whsec', Buffer.from('planted-secret-of-the-webhook').toString('base64')].join('_');
const email = { host: 'smtp.example.com', from: 'keyward@example.com', to: ['ops@example.com'] };

const refusalOf = (kind: ChannelKind, fields: object, allowHttp: readonly string[] = []) => {
  try {
    checkSettings(kind, fields, allowHttp);
    return undefined;
  } catch (error) {
    const { param, message } = error as { param: string; message: string };
    return [param, message.replace(' Nothing was changed.', '')];
  }
};

describe('what is refused, by a line that repeats no value', () => {
  it.each([
    ['slack', {}, 'settings.url', 'settings.url is required.'],
    ['slack', { url: 'http://hooks.slack.com/x' }, 'settings.url', /^url is not https/],
    ['slack', { url: 'nonsense' }, 'settings.url', 'url is not a URL.'],
    ['slack', { url: 'https://169.254.169.254/x' }, 'settings.url', /metadata service/],
    ['teams', { url: 'https://10.0.0.1/x' }, 'settings.url', /private network/],
    ['slack', { url: 'https://user:pw@hooks.slack.com/x' }, 'settings.url', /user or password/],
    ['slack', { url, secret }, 'settings.secret', 'settings.secret is not a setting of slack.'],
    ['webhook', { url }, 'settings.secret', 'settings.secret is required.'],
    ['webhook', { url, secret: 'short' }, 'settings.secret', /24 to 64 bytes/],
    ['email', { ...email, to: [] }, 'settings.to', 'settings.to is not as it must be.'],
    ['email', { ...email, from: 'a b@c' }, 'settings.from', /must be an address/],
    ['email', { ...email, host: 'metadata.google.internal' }, 'settings.host', /metadata service/],
    ['email', { ...email, host: 'https://smtp.example.com' }, 'settings.host', /without scheme/],
    ['email', { ...email, security: 'none' }, 'settings.host', /without TLS/],
    ['email', { ...email, username: 'me' }, 'settings.password', 'settings.password is required.'],
    ['log', { url }, 'settings', 'The log takes no settings.'],
  ] as const)('%s %j', (kind, fields, param, message) => {
    const [refused, words] = refusalOf(kind, fields) ?? [];
    expect(refused).toBe(param);
    expect(words).toMatch(
      typeof message === 'string' ? new RegExp(`^${message.replaceAll('.', '\\.')}$`) : message,
    );
    expect(words).not.toContain('PLANTED');
  });

  it('without TLS is allowed on this machine and where the operator named the host', () => {
    expect(refusalOf('slack', { url: 'http://127.0.0.1:9/x' })).toBeUndefined();
    expect(
      refusalOf('webhook', { url: 'http://relay.internal/x', secret }, ['relay.internal']),
    ).toBeUndefined();
    expect(refusalOf('email', { ...email, host: 'localhost', security: 'none' })).toBeUndefined();
  });

  it('a private network is allowed where the channel says so, cloud metadata never', () => {
    const allow_private_network = true;
    expect(refusalOf('teams', { url: 'https://10.0.0.1/x', allow_private_network })).toBeUndefined();
    expect(refusalOf('teams', { url: 'https://169.254.169.254/x', allow_private_network })).toBeDefined();
  });

  it('the secret of an address may stand in its query, as Teams has it', () => {
    expect(refusalOf('teams', { url: 'https://prod-1.logic.azure.com/x?sig=planted' })).toBeUndefined();
  });
});

describe('what is shown', () => {
  it.each([
    ['slack', { url }, { url: 'https://hooks.slack.com/••••', allow_private_network: false }],
    [
      'webhook',
      { url, secret },
      { url: 'https://hooks.slack.com/••••', secret: '••••', allow_private_network: false },
    ],
    [
      'email',
      { ...email, username: 'me', password: planted },
      {
        ...email,
        port: 587,
        security: 'starttls',
        username: 'me',
        password: '••••',
        allow_private_network: false,
      },
    ],
    ['log', {}, {}],
  ] as const)('of %s holds nothing secret', (kind, fields, shown) => {
    const stored = checkSettings(kind, fields, []);
    const masked = maskSettings(readSettings(kind, stored));
    expect(masked).toEqual(shown);
    expect(JSON.stringify(masked)).not.toContain('PLANTED');
  });

  it('TLS from the start has its own port', () => {
    const stored = checkSettings('email', { ...email, security: 'tls' }, []);
    expect(maskSettings(readSettings('email', stored))).toMatchObject({ port: 465 });
  });
});
