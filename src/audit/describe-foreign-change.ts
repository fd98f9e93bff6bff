/**
 * A change that another program made, as an event: who, through which program, which columns, before and
 * after. Keys stand in it as fingerprints, hashes of tokens not at all.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Selectable } from 'kysely';
import type { ShownKey } from '../crypto/stored-key.ts';
import type { KeywardForeignChangesTable } from '../database/tables.ts';
import type { AuditEntry } from './audit-event.ts';

export type ForeignChange = Selectable<KeywardForeignChangesTable>;

type Columns = Readonly<Record<string, unknown>>;

/** Columns whose value nobody may read: that they changed is said, and whether they hold anything. */
const hidden: ReadonlySet<string> = new Set([
  'token_hash',
  'api_key_binding',
  'encrypted_credential',
  'credential_binding',
  'encrypted_settings',
]);
/** Kept by the database itself at every change. */
const unimportant: ReadonlySet<string> = new Set(['updated_at']);

/** @param showKey what may be shown of a stored key */
export function describeForeignChange(
  change: ForeignChange,
  {
    recordedAt,
    showKey,
  }: { readonly recordedAt: Date; readonly showKey: (token: string | null) => ShownKey },
): AuditEntry {
  const { row_before: before, row_after: after } = change;
  const names = changedColumns(before, after);
  const show = (row: Columns | null): Columns => (row === null ? {} : showColumns(row, names, showKey));
  const program = change.application_name === '' ? '' : ` through ${change.application_name}`;
  return {
    action: 'database.changed',
    target: targetOf(change),
    occasion: {
      actor: {
        kind: 'database',
        id: change.database_user,
        name: `${change.database_user}${program}`,
        role: null,
        address: change.client_address,
        userAgent: null,
      },
    },
    occurredAt: change.changed_at,
    before: before === null ? null : show(before),
    after: {
      operation: change.operation,
      ...(after === null ? goneKey(change) : show(after)),
      recorded_at: recordedAt.toISOString(),
    },
  };
}

/** As the trail names it everywhere: a provider by its slug, a token by its number. */
function targetOf({
  table_name: table,
  row_before: before,
  row_after: after,
}: ForeignChange): AuditEntry['target'] {
  const row = after ?? before;
  if (row === null) return { kind: 'table', id: table };
  if (table === 'llm_providers') return { kind: 'provider', id: String(row['provider_slug']) };
  if (table === 'keyward_tokens') return { kind: 'token', id: String(row['id']) };
  return { kind: table, id: String(row['id'] ?? row['provider_id']) };
}

function changedColumns(before: Columns | null, after: Columns | null): string[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  const changed = names.filter((name) => !unimportant.has(name) && !same(before?.[name], after?.[name]));
  // Under its new name nothing else would say which key the provider has.
  return changed.includes('provider_slug') ? [...new Set([...changed, 'encrypted_api_key'])] : changed;
}

function same(before: unknown, after: unknown): boolean {
  return isDeepStrictEqual(before ?? null, after ?? null);
}

function showColumns(
  row: Columns,
  names: readonly string[],
  showKey: (token: string | null) => ShownKey,
): Columns {
  return Object.fromEntries(
    names.flatMap((name): [string, unknown][] => {
      const value = row[name] ?? null;
      if (name === 'encrypted_api_key')
        return Object.entries(showKey(typeof value === 'string' ? value : null));
      return [[name, hidden.has(name) && value !== null ? 'set' : value]];
    }),
  );
}

/** With its row a provider's key is gone. */
function goneKey({ table_name: table, row_before: before }: ForeignChange): Columns {
  return table === 'llm_providers' && before !== null ? { fingerprint: null, mask: null } : {};
}
