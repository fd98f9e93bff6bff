/** What is said to whoever changes the stored key past a rotation that is open, which the trigger of migration 008 ends. */
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { findRotation } from './rotation-store.ts';

/** @returns a sentence that says which rotation a change of the stored key ends; null where none is open */
export async function describeEndedRotation(db: Kysely<Tables>, providerId: number): Promise<string | null> {
  const open = await findRotation(db, providerId, 'open');
  if (open === undefined) return null;
  const key = open.newKey.mask === null ? 'its new key' : `its new key ${open.newKey.mask}`;
  const and = open.step === 'soaking' ? 'the old key is no fallback any more' : `${key} is given up`;
  return `This ends rotation ${open.id}, which was ${open.step}: ${and}.`;
}
