/** The claims of repeated writes: of any number that find the same dead claim one takes it over. */
import { expect, it } from 'vitest';
import { claimKey, type Claim } from '../../src/admin-api/idempotency-store.ts';
import { openOn } from '../support/keyward-database.ts';
import { whileRowIsHeld } from '../support/row-lock.ts';

const claim: Claim = { actor: 'command:tests', key: 'k-dead', requestHash: 'ab'.repeat(32) };
const minute = 60_000;

it('of three that find the claim of a dead process at once, one takes it over', async () => {
  const opened = await openOn('postgres');
  await opened.empty();
  const { kysely } = opened.database;
  const now = new Date('2026-01-31T12:00:00Z');
  expect(await claimKey(kysely, claim, new Date(now.getTime() - 3 * minute))).toEqual({ kind: 'claimed' });
  const outcomes = await whileRowIsHeld(
    await opened.connect(),
    'SELECT FROM keyward_idempotency_keys FOR UPDATE',
    [1, 2, 3].map(() => async () => claimKey(kysely, claim, now)),
  );
  const kinds = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.kind : 'failed'));
  expect(kinds.toSorted()).toEqual(['claimed', 'in_progress', 'in_progress']);
  await opened.close();
});
