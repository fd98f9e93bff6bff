/**
 * Encrypts everything anew that the registry of encrypted columns names, until a whole pass finds nothing more to
 * do: what others store under an old key meanwhile is taken with it.
 */
import { sql, type Kysely } from 'kysely';
import { setTimeout as pause } from 'node:timers/promises';
import { encryptedColumns, type EncryptedColumn } from '../../database/encrypted-columns.ts';
import type { Tables } from '../../database/tables.ts';
import { reencryptColumn, type Batch, type ReencryptParts, type SetAside } from './reencrypt-column.ts';
import { reencryptProviders } from './reencrypt-providers.ts';

export interface ReencryptOptions {
  /** Rows a second at most; undefined: as fast as it goes. */
  readonly rowsPerSecond?: number | undefined;
  /** Told after each batch. */
  readonly onProgress: (progress: { readonly table: string; readonly reencrypted: number }) => void;
  /** Ends it between two batches; what is done stays done. */
  readonly signal?: AbortSignal | undefined;
}

export interface Reencrypted {
  readonly reencrypted: number;
  /** Rows that no key of the ring opens, as the last pass found them. */
  readonly setAside: readonly SetAside[];
}

/** A table that is written to under an old key without end is not our business to outrun. */
const mostPasses = 10;

/** @throws what `signal` was aborted with */
export async function reencryptAll(
  parts: ReencryptParts,
  { rowsPerSecond, onProgress, signal }: ReencryptOptions,
): Promise<Reencrypted> {
  const startedAt = performance.now();
  let [rows, reencrypted] = [0, 0];
  let setAside: readonly SetAside[] = [];
  for (let pass = 1; pass <= mostPasses; pass += 1) {
    const before = reencrypted;
    let passedOver = 0;
    const aside: SetAside[] = [];
    for (const column of await presentColumns(parts.db)) {
      for await (const batch of batchesOf(parts, column)) {
        rows += batch.rows;
        reencrypted += batch.reencrypted;
        passedOver += batch.passedOver;
        aside.push(...batch.setAside);
        onProgress({ table: column.table, reencrypted });
        signal?.throwIfAborted();
        if (rowsPerSecond === undefined) continue;
        const aheadMs = (rows / rowsPerSecond) * 1_000 - (performance.now() - startedAt);
        if (aheadMs > 0) await pause(aheadMs, undefined, { signal });
      }
    }
    setAside = aside;
    if (reencrypted === before && passedOver === 0) break;
  }
  return { reencrypted, setAside };
}

function batchesOf(parts: ReencryptParts, column: EncryptedColumn): AsyncGenerator<Batch> {
  return column.table === 'llm_providers' ? reencryptProviders(parts) : reencryptColumn(parts, column);
}

/** The registered columns, without those of tables that only a rollback makes and that are not there. */
export async function presentColumns(db: Kysely<Tables>): Promise<EncryptedColumn[]> {
  const saved = encryptedColumns.filter(({ isSaved }) => isSaved === true);
  const { rows } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname = ANY (${saved.map(({ table }) => table)})`.execute(
    db,
  );
  const there = new Set(rows.map(({ name }) => name));
  return encryptedColumns.filter(({ isSaved, table }) => isSaved !== true || there.has(table));
}
