/** Where administrators come from and how they sign in: checked at the start, and never half set in silence. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/foundation/config.ts';
import { UsageError } from '../../src/foundation/errors.ts';

type Environment = Readonly<Record<string, string>>;

function faultOf(environment: Environment): string {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'none';
}

const signOn: Environment = {
  OIDC_ISSUER: 'https://sso.example.com/realms/main',
  OIDC_CLIENT_ID: 'keyward',
  PUBLIC_URL: 'https://keyward.example.com',
};

describe('with nothing set', () => {
  it('nobody is trusted, no name is added, and single sign-on is off', () => {
    expect(loadConfig({})).toMatchObject({
      publicOrigin: undefined,
      allowedHosts: [],
      trustedProxies: [],
      session: { idleTimeoutMs: 30 * 60_000, lifetimeMs: 12 * 3_600_000 },
      signOn: undefined,
    });
  });
});

describe('single sign-on', () => {
  it('needs an issuer, a client and an address, and knows the rest by itself', () => {
    expect(loadConfig(signOn).signOn).toEqual({
      issuer: 'https://sso.example.com/realms/main',
      clientId: 'keyward',
      clientSecret: undefined,
      redirectUrl: 'https://keyward.example.com/api/v1/admin/session/oidc/callback',
      scopes: 'openid profile email',
      rolesClaim: 'realm_access.roles',
      adminRole: 'keyward-admin',
      viewerRole: 'keyward-viewer',
    });
  });

  it('takes an address of its own where the proxy has another path', () => {
    const OIDC_REDIRECT_URL = 'https://tools.example.com/keyward/api/v1/admin/session/oidc/callback';
    const { PUBLIC_URL: _, ...rest } = signOn;
    expect(loadConfig({ ...rest, OIDC_REDIRECT_URL }).signOn?.redirectUrl).toBe(OIDC_REDIRECT_URL);
  });

  it('that is half set is a fault that names what is missing', () => {
    expect(faultOf({ OIDC_CLIENT_ID: 'keyward', OIDC_CLIENT_SECRET: 'planted-7c1f' })).toMatch(
      /half set: OIDC_CLIENT_ID, OIDC_CLIENT_SECRET given, OIDC_ISSUER missing/,
    );
    expect(faultOf({ OIDC_ISSUER: 'https://sso.example.com' })).toMatch(
      /half set: OIDC_ISSUER given, OIDC_CLIENT_ID and OIDC_REDIRECT_URL or PUBLIC_URL missing/,
    );
  });

  it.each([
    'http://sso.example.com',
    'http://10.0.0.5',
    'sso.example.com',
    'https://sso.example.com?realm=x',
    'https://user:password@sso.example.com',
    'ftp://localhost',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
  ])('without TLS or beside the point is refused: %s', (OIDC_ISSUER) => {
    expect(faultOf({ ...signOn, OIDC_ISSUER })).toContain('OIDC_ISSUER must be an https address');
  });

  it.each([
    'http://localhost:9000',
    'http://127.0.0.1:9000/realms/x',
    'http://[::1]:9000',
    'http://sso.localhost',
  ])('on this machine needs no TLS: %s', (OIDC_ISSUER) => {
    expect(loadConfig({ ...signOn, OIDC_ISSUER }).signOn?.issuer).toBe(OIDC_ISSUER);
  });

  it('is sent back to its own address and no other', () => {
    expect(faultOf({ ...signOn, OIDC_REDIRECT_URL: 'https://keyward.example.com/elsewhere' })).toContain(
      'OIDC_REDIRECT_URL must end with /api/v1/admin/session/oidc/callback',
    );
  });

  it.each(['profile email', 'openidx', ''])('asks for openid: %j is refused', (OIDC_SCOPES) => {
    expect(faultOf({ ...signOn, OIDC_SCOPES })).toMatch(/OIDC_SCOPES (?:must hold openid|is set but empty)/);
  });

  it('shows its secret nowhere', () => {
    const config = loadConfig({ ...signOn, OIDC_CLIENT_SECRET: 'planted-7c1f' });
    expect(config.signOn?.clientSecret?.reveal()).toBe('planted-7c1f');
    expect(inspect(config, { depth: Infinity, showHidden: true }) + JSON.stringify(config)).not.toContain(
      'planted',
    );
  });
});

describe('PUBLIC_URL', () => {
  it('is an origin', () => {
    expect(loadConfig({ PUBLIC_URL: 'HTTPS://Keyward.Example.com:443/' }).publicOrigin).toBe(
      'https://keyward.example.com',
    );
  });

  it.each([
    'keyward.example.com',
    'https://keyward.example.com/path',
    'https://a@b.example',
    'https://b.example?x',
    'file:///x',
  ])('that is more or less than one is refused: %s', (PUBLIC_URL) => {
    expect(faultOf({ PUBLIC_URL })).toContain('PUBLIC_URL must be an origin');
  });
});

describe('trusted proxies', () => {
  it('are addresses, networks and the names of networks', () => {
    const TRUSTED_PROXIES = '10.0.0.0/8, 192.0.2.7, fd00::/8,Loopback';
    expect(loadConfig({ TRUSTED_PROXIES }).trustedProxies).toEqual([
      '10.0.0.0/8',
      '192.0.2.7',
      'fd00::/8',
      'loopback',
    ]);
  });

  it.each(['0.0.0.0/0', '::/0', 'proxy.internal', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0', 'true', '1'])(
    'are never everybody, a name or a number: %s is refused',
    (TRUSTED_PROXIES) => {
      expect(faultOf({ TRUSTED_PROXIES })).toContain('TRUSTED_PROXIES must hold addresses');
    },
  );
});

describe('allowed hosts', () => {
  it('are names', () => {
    expect(loadConfig({ ALLOWED_HOSTS: 'Keyward.Example.com, keyward' }).allowedHosts).toEqual([
      'keyward.example.com',
      'keyward',
    ]);
  });

  it.each(['https://keyward.example.com', 'keyward.example.com:8084', '*', '*.example.com', 'a b'])(
    'have neither scheme nor port nor wildcard: %s is refused',
    (ALLOWED_HOSTS) => {
      expect(faultOf({ ALLOWED_HOSTS })).toContain('ALLOWED_HOSTS must hold names');
    },
  );
});
