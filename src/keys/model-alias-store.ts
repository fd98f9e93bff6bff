/** The table keyward_model_aliases, and the acts of administrators on it: what leads nowhere or round is refused. */
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import { writtenBy, type Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Tables } from '../database/tables.ts';
import { KeywardError } from '../foundation/errors.ts';
import { ModelAliases, mostTargets, type ModelAlias } from './model-aliases.ts';
import { holdsNoSecret, plainText } from './provider-rules.ts';
import { readProviders } from './provider-store.ts';

const mostAliases = 500;
const noSecret = 'must not hold secrets';

export const aliasName = plainText(300)
  .regex(/^[^\s*]*\*?$/, 'must hold no blanks, and a * at its end only')
  .min(1, 'must not be empty')
  .refine(holdsNoSecret, noSecret);

export const aliasTargets = z
  .array(
    plainText(300)
      .regex(/^[^\s*]+\*?[^\s*]*$/, 'must hold models as provider/model, each with one * at most')
      .refine(holdsNoSecret, noSecret),
  )
  .min(1, 'must hold at least one')
  .max(mostTargets, `must hold at most ${mostTargets}`);

export interface StoredAlias extends ModelAlias {
  readonly changedBy: string;
  readonly changedAt: Date;
}

export async function readAliases(db: Kysely<Tables>): Promise<StoredAlias[]> {
  const rows = await db.selectFrom('keyward_model_aliases').selectAll().orderBy('alias').execute();
  return rows.map(({ alias, targets, changed_by: changedBy, changed_at: changedAt }) => ({
    alias,
    targets,
    changedBy,
    changedAt,
  }));
}

interface Written {
  readonly revision: number;
}

/** @throws KeywardError field_invalid (400) where it leads nowhere, to itself, or too deep; then nothing was changed */
export async function putAlias(
  audit: AuditTrail,
  occasion: Occasion,
  { alias, targets }: ModelAlias,
): Promise<Written> {
  const { revision } = await audit.change(occasion, async (tx, record) => {
    // Two that are good by themselves may go round together.
    await sql`LOCK TABLE keyward_model_aliases IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
    const stored = await readAliases(tx);
    const before = stored.find((one) => one.alias === alias);
    if (before === undefined && stored.length >= mostAliases)
      throw refused(`There are ${mostAliases} aliases already.`, 'alias');
    await refuseAstray(tx, [...stored.filter((one) => one !== before), { alias, targets }], {
      alias,
      targets,
    });
    const values = { targets: [...targets], changed_by: writtenBy(occasion) };
    await tx
      .insertInto('keyward_model_aliases')
      .values({ alias, ...values })
      .onConflict((conflict) =>
        conflict.column('alias').doUpdateSet({ ...values, changed_at: sql<Date>`now() AT TIME ZONE 'UTC'` }),
      )
      .execute();
    record({
      action: 'model_alias.set',
      target: { kind: 'model_alias', id: alias },
      before: before === undefined ? null : { targets: before.targets },
      after: { targets },
    });
  });
  return { revision };
}

async function refuseAstray(
  tx: Kysely<Tables>,
  all: readonly ModelAlias[],
  { alias, targets }: ModelAlias,
): Promise<void> {
  const known = (await readProviders(tx)).map(({ provider_slug }) => provider_slug);
  const namesProvider = (model: string): boolean =>
    model.includes('/') && known.includes(model.slice(0, model.indexOf('/')));
  if (namesProvider(alias))
    throw refused(
      'It begins with a provider, so callers who ask for it get that provider, and never the alias.',
      'alias',
    );
  const aliases = new ModelAliases(all);
  const lost = targets.find(
    (target) => !namesProvider(target) && aliases.targetsOf(target.replace('*', ''), namesProvider) === null,
  );
  if (lost !== undefined)
    throw refused(
      `"${lost}" is no alias and names no provider. Say it as provider/model. Known here: ${known.join(', ')}.`,
      'targets',
    );
  const fault = aliases.fault(namesProvider);
  if (fault !== null) throw refused(fault, 'targets');
}

function refused(sentence: string, param: string): KeywardError {
  return new KeywardError('field_invalid', { message: `${sentence} Nothing was changed.`, param });
}

/** @throws KeywardError alias_not_found (404) */
export async function deleteAlias(audit: AuditTrail, occasion: Occasion, alias: string): Promise<Written> {
  const { revision } = await audit.change(occasion, async (tx, record) => {
    const gone = await tx
      .deleteFrom('keyward_model_aliases')
      .where('alias', '=', alias)
      .returning('targets')
      .executeTakeFirst();
    if (gone === undefined) throw new KeywardError('alias_not_found');
    record({
      action: 'model_alias.removed',
      target: { kind: 'model_alias', id: alias },
      before: { targets: gone.targets },
    });
  });
  return { revision };
}
