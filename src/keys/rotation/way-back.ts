/** Whether a rollback leaves a provider with a key: the old one by the rules by which it would serve, or the environment's. */
import type { Selectable } from 'kysely';
import type { LlmProvidersTable } from '../../database/tables.ts';
import type { ChangeParts } from '../change-provider.ts';
import { serveHere } from '../explain-key.ts';
import type { Rotation } from './rotation-store.ts';

type Row = Parameters<typeof serveHere>[0];

/** @returns null where there is a key to go back to; else why there is none, as a clause */
export function whyNoWayBack(
  changes: ChangeParts,
  row: Row | Selectable<LlmProvidersTable>,
  { oldKey, source_before: sourceBefore }: Pick<Rotation, 'oldKey' | 'source_before'>,
): string | null {
  const { key, reason } = serveHere(
    {
      ...row,
      encrypted_api_key: oldKey?.encrypted_api_key ?? null,
      api_key_binding: oldKey?.api_key_binding ?? null,
      api_key_source: sourceBefore,
      // Whether it is dead, its provider has the last word on.
      api_key_test_status: null,
    },
    { config: changes.config, changes },
  ).resolution;
  return key === null ? reason : null;
}
