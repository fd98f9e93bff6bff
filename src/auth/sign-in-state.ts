/**
 * What must be remembered of a sign-in between its two visits: sealed with the encryption ring into a cookie,
 * so that every instance can go on with it and nobody can read, forge or keep it.
 */
import { z } from 'zod';
import type { KeyRing } from '../crypto/key-ring.ts';
import { Secret } from '../foundation/secret.ts';

/** How long a person may take at the identity provider. */
export const signInTimeMs = 10 * 60_000;

/** The ring seals other things too: none of them can stand in for this. */
const purpose = 'sign-in';

const schema = z.object({
  purpose: z.literal(purpose),
  state: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  returnTo: z.string(),
});

export type SignInState = Readonly<Omit<z.output<typeof schema>, 'purpose'>>;

export function sealSignIn(ring: KeyRing, state: SignInState, now: Date): string {
  return ring.encrypt(new Secret(JSON.stringify({ purpose, ...state })), { now });
}

/** What was sealed; undefined for what is none of ours, or is too old. */
export function openSignIn(ring: KeyRing, sealed: string, now: Date): SignInState | undefined {
  try {
    const { secret, createdAt } = ring.decrypt(sealed);
    if (now.getTime() - createdAt.getTime() >= signInTimeMs) return undefined;
    return schema.parse(JSON.parse(secret.reveal()));
  } catch {
    return undefined;
  }
}
