/**
 * The table keyward_rotation_traffic: what both keys of a rotation have served. Each instance writes its own
 * sums; read, they are those of all instances.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { WhichKey } from './key-trial.ts';
import { databaseNow } from './rotation-store.ts';

export interface Counts {
  calls: number;
  /** Without a good answer. */
  errors: number;
  /** The provider refused the key; each is an error too. */
  refusals: number;
}

export type Traffic = Readonly<Record<WhichKey, Readonly<Counts>>>;

export async function addTraffic(
  db: Kysely<Tables>,
  instanceId: string,
  rotationId: string,
  { new: newKey, old: oldKey }: Traffic,
): Promise<void> {
  const common = { rotation_id: rotationId, instance_id: instanceId };
  await db
    .insertInto('keyward_rotation_traffic')
    .values([
      { ...common, which_key: 'new', ...newKey },
      { ...common, which_key: 'old', ...oldKey },
    ])
    .onConflict((conflict) =>
      conflict.columns(['rotation_id', 'instance_id', 'which_key']).doUpdateSet((row) => ({
        calls: row.ref('excluded.calls'),
        errors: row.ref('excluded.errors'),
        refusals: row.ref('excluded.refusals'),
        updated_at: databaseNow,
      })),
    )
    .execute();
}

/** Of all instances together. */
export async function readTraffic(db: Kysely<Tables>, rotationId: string): Promise<Traffic> {
  const rows = await db
    .selectFrom('keyward_rotation_traffic')
    .select(['which_key', ({ fn }) => fn.sum<string>('calls').as('calls')])
    .select(({ fn }) => [fn.sum<string>('errors').as('errors'), fn.sum<string>('refusals').as('refusals')])
    .where('rotation_id', '=', rotationId)
    .groupBy('which_key')
    .execute();
  const of = (which: WhichKey): Counts => {
    const row = rows.find(({ which_key: name }) => name === which);
    return {
      calls: Number(row?.calls ?? 0),
      errors: Number(row?.errors ?? 0),
      refusals: Number(row?.refusals ?? 0),
    };
  };
  return { new: of('new'), old: of('old') };
}
