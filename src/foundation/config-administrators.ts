/** The part of the configuration that says where administrators come from and how they sign in. */
import { Secret } from './secret.ts';
import { signInCallbackPath } from './setting-types.ts';
import type { Settings } from './settings-schema.ts';

export interface SignOnConfig {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined for a public client. */
  readonly clientSecret: Secret | undefined;
  readonly redirectUrl: string;
  readonly scopes: string;
  /** The claim with the roles; dots lead into objects. */
  readonly rolesClaim: string;
  readonly adminRole: string;
  readonly viewerRole: string;
}

export interface AdministratorsConfig {
  /** Where administrators reach this server. */
  readonly publicOrigin: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly session: { readonly idleTimeoutMs: number; readonly lifetimeMs: number };
  /** Single sign-on; undefined where it is off. */
  readonly signOn: SignOnConfig | undefined;
}

export function administratorsConfig(values: Settings): AdministratorsConfig {
  return {
    publicOrigin: values.PUBLIC_URL,
    allowedHosts: values.ALLOWED_HOSTS,
    trustedProxies: values.TRUSTED_PROXIES,
    session: {
      idleTimeoutMs: values.SESSION_IDLE_TIMEOUT_MIN * 60_000,
      lifetimeMs: values.SESSION_LIFETIME_MIN * 60_000,
    },
    signOn: signOnConfig(values),
  };
}

function signOnConfig(values: Settings): SignOnConfig | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: secret } = values;
  const redirectUrl =
    values.OIDC_REDIRECT_URL ??
    (values.PUBLIC_URL === undefined ? undefined : `${values.PUBLIC_URL}${signInCallbackPath}`);
  if (issuer === undefined || clientId === undefined || redirectUrl === undefined) return undefined;
  return {
    issuer,
    clientId,
    clientSecret: secret === undefined ? undefined : new Secret(secret),
    redirectUrl,
    scopes: values.OIDC_SCOPES,
    rolesClaim: values.OIDC_ROLES_CLAIM,
    adminRole: values.OIDC_ADMIN_ROLE,
    viewerRole: values.OIDC_VIEWER_ROLE,
  };
}

/** A half-set single sign-on must not end in none without a word. */
export function signOnFaults(isSet: (name: keyof Settings) => boolean): string[] {
  const parts = ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_REDIRECT_URL'] as const;
  const given = parts.filter(isSet);
  if (!isSet('OIDC_ISSUER')) {
    return given.length === 0
      ? []
      : [`Single sign-on is half set: ${given.join(', ')} given, OIDC_ISSUER missing.`];
  }
  const missing = [
    ...(isSet('OIDC_CLIENT_ID') ? [] : ['OIDC_CLIENT_ID']),
    ...(isSet('OIDC_REDIRECT_URL') || isSet('PUBLIC_URL') ? [] : ['OIDC_REDIRECT_URL or PUBLIC_URL']),
  ];
  return missing.length === 0
    ? []
    : [`Single sign-on is half set: OIDC_ISSUER given, ${missing.join(' and ')} missing.`];
}
