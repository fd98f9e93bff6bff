/**
 * The migrations that this version ships: migrations/NNN_name.sql with NNN_name_rollback.sql, in the
 * order of their numbers, each with a checksum that ignores line endings and trailing blanks.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Migration {
  /** Three digits. */
  readonly version: string;
  /** The file name without its number and ending. */
  readonly name: string;
  readonly file: string;
  readonly sql: string;
  /** The same text, cut where a runner may commit in between; one part for most. */
  readonly parts: readonly string[];
  readonly rollbackSql: string;
  /** SHA-256 of the normalised text, in hex. */
  readonly checksum: string;
}

export const shippedDirectory = fileURLToPath(new URL('../../../migrations/', import.meta.url));

/** A comment line in a migration before which a runner may commit when the table is large. */
const commitMark = /^(?=-- A runner may commit here)/m;

/** Reads the migrations of a directory, lowest number first. */
export function readMigrations(directory = shippedDirectory): Migration[] {
  return readdirSync(directory)
    .filter((file) => /^\d{3}_\w+\.sql$/.test(file) && !file.endsWith('_rollback.sql'))
    .toSorted()
    .map((file) => {
      const sql = readFileSync(join(directory, file), 'utf8');
      return {
        version: file.slice(0, 3),
        name: file.slice(4, -'.sql'.length),
        file,
        sql,
        parts: sql.split(commitMark),
        rollbackSql: readFileSync(join(directory, file.replace(/\.sql$/, '_rollback.sql')), 'utf8'),
        checksum: checksum(sql),
      };
    });
}

function checksum(text: string): string {
  const normalised = text
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trimEnd();
  return createHash('sha256').update(normalised).digest('hex');
}
