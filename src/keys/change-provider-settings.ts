/**
 * A provider made, changed in what is not its key, or deleted: audited in the transaction of the change, and
 * answered with the revision that it made. Where a change leads a provider to another host, its stored key
 * stays bound to the old one and is parked.
 */
import { sql, type Kysely } from 'kysely';
import type { Occasion } from '../audit/audit-event.ts';
import type { Tables } from '../database/tables.ts';
import { codeOf, KeywardError } from '../foundation/errors.ts';
import {
  lockRow,
  storedKeyOf,
  type ChangeParts,
  type LockedRow,
  type Precondition,
  type Written,
} from './change-provider.ts';
import { recordedBinding } from './known-bindings.ts';
import { readProviders } from './provider-store.ts';
import {
  applySettings,
  changedColumns,
  checkName,
  checkSlug,
  shownColumns,
  type ProviderColumns,
  type ProviderSettings,
} from './provider-settings.ts';
import { placeOf } from './stored-key-place.ts';
import { judgeStoredKey, parkedForGood } from './stored-key.ts';

export interface ProviderChanged extends Written {
  /** The stored key belongs to another host and does not serve until it is entered again. */
  readonly parked: boolean;
}

/**
 * Changes what is given and leaves the rest; what is so already is no change and no event.
 * @throws KeywardError field_invalid (400), revision_mismatch (412), audit_unavailable (503)
 */
export async function changeProvider(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  { ifRevision, ...settings }: ProviderSettings & Precondition,
): Promise<ProviderChanged> {
  const { value, revision } = await parts.audit.change(occasion, async (tx, record) => {
    const row = await lockRow(tx, slug, { ifRevision });
    if (row === undefined) return { found: false, parked: false };
    const columns = applySettings(slug, row, settings, parts.config);
    const changed = changedColumns(row, columns);
    await parts.bindings.refresh(tx, await readProviders(tx), parts.ring);
    const binding = bindingBeforeMove(parts, row, columns);
    const parked = isParked(parts, { ...row, ...columns, api_key_binding: binding.column });
    if (changed.length > 0) {
      const values = Object.fromEntries(changed.map((name) => [name, columns[name]]));
      if (changed.includes('request_headers')) values['request_headers'] = asJson(columns);
      await tx
        .updateTable('llm_providers')
        .set({ ...values, api_key_binding: binding.column })
        .where('id', '=', row.id)
        .execute();
      record({
        action: 'provider.changed',
        target: { kind: 'provider', id: slug },
        before: shownColumns(row, changed),
        after: {
          ...shownColumns(columns, changed),
          ...(parked && { stored_key: 'parked' }),
          ...binding.recorded,
        },
      });
    }
    return { found: true, parked };
  });
  return { ...value, revision };
}

interface BindingBeforeMove {
  readonly column: string | null;
  /** For the trail, where one was made. */
  readonly recorded?: ReturnType<typeof recordedBinding>;
}

/**
 * A key without a binding would go along to another host: before that it gets one. If it served, to the host
 * where it did, so that it serves there again; if it did not (it was copied, cannot be read, or a binding is
 * asked for), to nothing, so that no change of the address makes it serve.
 */
function bindingBeforeMove(
  parts: ChangeParts,
  row: LockedRow,
  { base_url }: ProviderColumns,
): BindingBeforeMove {
  const column = row.api_key_binding;
  const place = placeOf(row);
  const moves = placeOf({ ...row, base_url }).host !== place.host;
  const stored = moves && column === null ? judge(parts, row) : null;
  if (stored === null) return { column };
  if (!('key' in stored.candidate)) return { column: parkedForGood };
  const binding = parts.ring.bind(stored.candidate.key, place);
  return { column: binding, recorded: recordedBinding(place, binding) };
}

function judge({ ring: keyRing, ...parts }: ChangeParts, row: LockedRow) {
  return judgeStoredKey(row, { ...parts, keyRing });
}

function isParked(parts: ChangeParts, row: LockedRow): boolean {
  return judge(parts, row)?.binding === 'parked';
}

export interface NewProvider extends ProviderSettings {
  /** 1 to 100 lower-case letters, digits and dashes. */
  readonly slug: string;
  /** Unique like the slug, which it is where absent. */
  readonly name?: string | undefined;
  readonly displayName: string;
}

/**
 * Adds any OpenAI-compatible endpoint: active, with the source environment and without a key, unless told
 * otherwise.
 * @throws KeywardError field_invalid (400), provider_exists (409), audit_unavailable (503)
 */
export async function createProvider(
  { audit, config }: ChangeParts,
  occasion: Occasion,
  { slug, name = slug, ...settings }: NewProvider,
): Promise<{ readonly revision: number }> {
  const provider_slug = checkSlug(slug);
  const provider_name = checkName(name, 'name', 100);
  const columns = applySettings(slug, blank, { ...settings, baseUrl: settings.baseUrl ?? null }, config);
  const { revision } = await audit.change(occasion, async (tx, record) => {
    const { numInsertedOrUpdatedRows: made } = await tx
      .insertInto('llm_providers')
      .values({ provider_slug, provider_name, ...columns, request_headers: asJson(columns) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    if (made !== 1n) {
      throw new KeywardError('provider_exists', {
        message: `There is a provider "${slug}" already, or one of that name. Nothing was changed.`,
        param: 'slug',
      });
    }
    record({
      action: 'provider.created',
      target: { kind: 'provider', id: slug },
      after: { name: provider_name, ...shownColumns(columns) },
    });
  });
  return { revision };
}

const blank: ProviderColumns = {
  display_name: '',
  base_url: null,
  api_key_source: 'environment',
  is_active: true,
  request_headers: null,
  allow_private_network: false,
  is_byok_supported: true,
};

/**
 * Deletes the provider with all that hangs on it. `force` is needed where something does; what belongs to
 * other tables' rows stays in the way even then.
 * @throws KeywardError provider_in_use (409), revision_mismatch (412), audit_unavailable (503)
 */
export async function deleteProvider(
  parts: ChangeParts,
  occasion: Occasion,
  slug: string,
  { force = false, ifRevision }: Precondition & { readonly force?: boolean | undefined } = {},
): Promise<Written> {
  const deletion = parts.audit.change(occasion, async (tx, record) => {
    const row = await lockRow(tx, slug, { ifRevision });
    if (row === undefined) return false;
    const hanging = await whatHangsOn(tx, row);
    if (hanging.inTheWay.length > 0)
      throw inUse(slug, hanging.inTheWay, 'Remove these first: force does not.');
    if (!force && hanging.goingToo.length > 0)
      throw inUse(slug, hanging.goingToo, 'To delete the provider with them, say force=true.');
    await tx.deleteFrom('llm_providers').where('id', '=', row.id).execute();
    record({
      action: 'provider.deleted',
      target: { kind: 'provider', id: slug },
      before: {
        name: row.provider_name,
        ...shownColumns(row),
        ...storedKeyOf(parts, row),
        hanging_on_it: hanging.goingToo,
      },
    });
    return true;
  });
  const { value: found, revision } = await deletion.catch((error: unknown) => {
    // Somebody referred to one of its models after they were counted.
    throw codeOf(error) === foreignKeyViolation
      ? new KeywardError('provider_in_use', { cause: error })
      : error;
  });
  return { found, revision };
}

/** Of PostgreSQL's error codes. */
const foreignKeyViolation = '23503';

function inUse(slug: string, hanging: readonly string[], advice: string): KeywardError {
  return new KeywardError('provider_in_use', {
    message: `The provider "${slug}" still has ${hanging.join(', ')}. Nothing was changed. ${advice}`,
    param: 'force',
  });
}

/** By the foreign keys of migration 001: what goes with the row, and what does not let it go. */
async function whatHangsOn(
  tx: Kysely<Tables>,
  row: LockedRow,
): Promise<{ goingToo: string[]; inTheWay: string[] }> {
  const { rows } = await sql<Readonly<Record<'models' | 'user_keys' | 'rules' | 'replacements', string>>>`
    WITH own AS (SELECT id FROM llm_models WHERE provider_id = ${row.id})
    SELECT (SELECT count(*) FROM own) AS models,
           (SELECT count(*) FROM user_api_keys WHERE provider_id = ${row.id}) AS user_keys,
           (SELECT count(*) FROM llm_routing_rules WHERE model_id IN (SELECT id FROM own)) AS rules,
           (SELECT count(*) FROM llm_models WHERE provider_id <> ${row.id}
               AND replacement_model_id IN (SELECT id FROM own)) AS replacements`.execute(tx);
  const counted = (name: keyof (typeof rows)[0], words: string): string[] =>
    Number(rows[0]?.[name] ?? 0) === 0 ? [] : [`${rows[0]?.[name]} ${words}`];
  return {
    goingToo: [
      ...(row.encrypted_api_key ? ['a stored key'] : []),
      ...counted('models', 'models'),
      ...counted('user_keys', 'keys that users brought'),
    ],
    inTheWay: [
      ...counted('rules', 'routing rules of its models'),
      ...counted('replacements', 'models of others that name one of its models as their replacement'),
    ],
  };
}

/** JSONB is written as its text. */
function asJson({ request_headers: headers }: ProviderColumns): string | null {
  return headers === null ? null : JSON.stringify(headers);
}
