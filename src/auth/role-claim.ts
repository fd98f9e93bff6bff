/** Finds a person's role in what the identity provider says of them. */
import type { SignOnConfig } from '../foundation/config-administrators.ts';
import type { AdminRole } from './token.ts';

export type Claims = Readonly<Record<string, unknown>>;

/**
 * The claim at a path whose dots lead into objects, as in `realm_access.roles`. A claim whose own name holds
 * the dots, as `https://example.com/roles`, comes first. Undefined where there is none.
 */
export function readClaim(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split('.').reduce<unknown>((value, name) => {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    return isObject ? (value as Claims)[name] : undefined;
  }, claims);
}

/** @param claim a list of names, or one name; anything else holds no role */
export function roleIn(
  claim: unknown,
  { adminRole, viewerRole }: Pick<SignOnConfig, 'adminRole' | 'viewerRole'>,
): AdminRole | null {
  const roles: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  if (roles.includes(adminRole)) return 'admin';
  return roles.includes(viewerRole) ? 'viewer' : null;
}
