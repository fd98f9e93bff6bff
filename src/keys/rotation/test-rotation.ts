/**
 * The new key of a rotation, asked about at its provider: by the call that costs nothing, and where that is
 * wanted by one that spends a token. What was said is recorded, and moves the rotation.
 */
import type { Kysely } from 'kysely';
import type { Occasion } from '../../audit/audit-event.ts';
import type { Tables } from '../../database/tables.ts';
import { KeywardError } from '../../foundation/errors.ts';
import type { Secret } from '../../foundation/secret.ts';
import { askProvider, type Asking } from '../ask-provider.ts';
import { recordTest, type Precondition } from '../change-provider.ts';
import { serveHere } from '../explain-key.ts';
import type { KeyActParts } from '../key-acts.ts';
import { findProvider, type ListedProvider } from '../list-providers.ts';
import { readStoredKey } from '../stored-key.ts';
import type { KeyTestResult } from '../test-key.ts';
import { moveRotation, type RotationMoved } from './move-rotation.ts';
import { isOpen } from './rotation-machine.ts';
import { databaseNow, findRotation, type KeyVersion, type Rotation } from './rotation-store.ts';

export interface RotationTest extends Precondition, Omit<Asking, 'clock' | 'spendOn'> {
  /** Also make a chat of one token, which is spent. */
  readonly spend?: boolean | undefined;
  /** With which model; absent: the first active one of the provider. */
  readonly model?: string | undefined;
}

export interface RotationTested extends RotationMoved {
  /** Of the last call that was made. */
  readonly result: KeyTestResult;
}

/**
 * @param id the rotation; absent: the one that is open
 * @throws KeywardError rotation_not_found (404), rotation_refused (409), provider_not_askable (409),
 *   parameter_invalid (400) where a model is needed, and what recordTest and moveRotation throw
 */
export async function testRotation(
  parts: KeyActParts,
  occasion: Occasion,
  slug: string,
  id: string | undefined,
  { ifRevision, spend = false, model, ...asking }: RotationTest = {},
): Promise<RotationTested> {
  const { row, rotation } = await requireOpenRotation(parts, slug, id);
  const key = readNewKey(parts, rotation.newKey);
  const served = serveHere(row, parts);
  const spendOn = spend ? (model ?? (await modelToSpendOn(parts.database.kysely, row))) : undefined;
  const tested = { fingerprint: parts.changes.fingerprinter.of(key), source: 'candidate' } as const;
  let result = await askProvider(served, key, { clock: parts.clock, ...asking });
  await recordTest(parts.changes, occasion, slug, tested, result);
  if (spendOn !== undefined && result.verdict === 'valid') {
    // The provider was admitted to be asked; this is the second half of the same test.
    const { signal } = asking;
    result = await askProvider(served, key, { clock: parts.clock, signal, spendOn });
    await recordTest(parts.changes, occasion, slug, tested, result);
  }
  const { verdict, message } = result;
  const moved = await moveRotation(parts.changes, occasion, slug, rotation.id, {
    ifRevision,
    command: { kind: 'tested', verdict, message },
    newKey: {
      last_verdict: verdict,
      last_tested_at: result.testedAt,
      ...(verdict !== 'valid' && { generated_at: null }),
      ...(verdict === 'valid' && spendOn !== undefined && { generated_at: databaseNow }),
    },
  });
  return { ...moved, result };
}

/** @throws KeywardError provider_not_found, rotation_not_found (404), rotation_refused (409) */
async function requireOpenRotation(
  { database }: Pick<KeyActParts, 'database'>,
  slug: string,
  id: string | undefined,
): Promise<{ row: ListedProvider; rotation: Rotation }> {
  const row = await findProvider(database.kysely, slug);
  if (row === undefined) throw new KeywardError('provider_not_found');
  const rotation = await findRotation(database.kysely, row.id, id === undefined ? 'open' : { id });
  if (rotation === undefined) throw new KeywardError('rotation_not_found');
  if (!isOpen(rotation.step))
    throw new KeywardError('rotation_refused', { message: 'The rotation has ended. Begin another.' });
  return { row, rotation };
}

/** @throws KeywardError rotation_refused (409) */
function readNewKey({ changes }: KeyActParts, { encrypted_api_key: token }: KeyVersion): Secret {
  const read =
    token === null
      ? { problem: 'the provider has not made it yet' }
      : readStoredKey(token, changes.ring, changes.fingerprinter);
  if ('key' in read) return read.key;
  throw new KeywardError('rotation_refused', { message: `The new key cannot be tested: ${read.problem}.` });
}

/**
 * The first active model of the provider, for a call that spends a token.
 * @throws KeywardError field_invalid (400) where there is none
 */
export async function modelToSpendOn(
  db: Kysely<Tables>,
  { id: providerId, provider_slug: slug }: Pick<ListedProvider, 'id' | 'provider_slug'>,
): Promise<string> {
  const row = await db
    .selectFrom('llm_models')
    .select('model_id')
    .where('provider_id', '=', providerId)
    .where('is_active', 'is not', false)
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  if (row !== undefined) return row.model_id;
  throw new KeywardError('field_invalid', {
    message: `Name a model of ${slug} for the call that spends a token (model; in a command --model): none is in llm_models.`,
    param: 'model',
  });
}
