/**
 * The migrations that this version ships: migrations/NNN_name.sql with NNN_name_rollback.sql, in the
 * order of their numbers, without the BEGIN and COMMIT that make a file whole for psql: a runner has a
 * transaction of its own. Each has a checksum that ignores line endings and trailing blanks.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../foundation/project-root.ts';

export interface Migration {
  /** Three digits. */
  readonly version: string;
  /** The file name without its number and ending. */
  readonly name: string;
  readonly file: string;
  /** Its statements, to be run in a transaction. */
  readonly sql: string;
  /** The same text, cut where a runner may commit in between; one part for most. */
  readonly parts: readonly string[];
  readonly rollbackSql: string;
  /** SHA-256 of the normalised text of the file, in hex. */
  readonly checksum: string;
  /** Of texts that it had before. What one of them left otherwise, the catalogue tells. */
  readonly formerChecksums: readonly string[];
}

export const shippedDirectory = fileURLToPath(new URL('migrations/', projectRoot));

/** A comment line in a migration before which a runner may commit when the table is large. */
const commitMark = /^(?=-- A runner may commit here)/m;

/**
 * By version. To change a comment, or what a second run repairs, must not make every database drift that has
 * the migration: its former checksum goes here.
 */
const formerChecksums: Readonly<Record<string, readonly string[]>> = {
  '001': ['550d17581d193abfbce5c6ef87c755baafa581fab3a3f38586cdd360ca67300d'],
  '002': ['737e765d3235ce98c898af43c809a78a3e02fad226e530970c22765e47b2d047'],
  '003': ['6b91f2c6dfb5093e523be5ed4c27db49e016cd80f6dbb3233dae2801d6dc203d'],
  '004': ['7941270441e85dacbac92751caf833957d9bce11d8409153e882907e05a1738a'],
  '005': ['727473031e36277f68e51107ef3394befc9d38f9fe26263359f88d4389607c69'],
  '006': [
    '4c0a2b079af9e77bee0bd63a82c93e77bb6be0a809dff46d823cf43395f97993',
    '15ba3fd31655a84c633f7464a79299935abcaeaa1438df754dae8f448bbab44d',
  ],
  '007': [
    '022e3fb95986f7458dfa572ee11cadf016a27cbe30a18dbd40f818c9dc705054',
    'b8288a3ea1aa749cb27e78db667b18234d9cd716d3066b5d1e03d70b4197a4de',
  ],
};

/** What a file's own transaction begins and ends with, each on a line of its own. */
const frame = /^(?:BEGIN|COMMIT);\n\n?/gm;

/** The statements of a file, for who has a transaction already: its own COMMIT would end that one. */
export function withoutFrame(text: string): string {
  return text.replaceAll(frame, '');
}

/** Reads the migrations of a directory, lowest number first. */
export function readMigrations(directory = shippedDirectory): Migration[] {
  return readdirSync(directory)
    .filter((file) => /^\d{3}_\w+\.sql$/.test(file) && !file.endsWith('_rollback.sql'))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(directory, file), 'utf8');
      const sql = withoutFrame(text);
      const version = file.slice(0, 3);
      return {
        version,
        name: file.slice(4, -'.sql'.length),
        file,
        sql,
        parts: sql.split(commitMark),
        rollbackSql: readFileSync(join(directory, file.replace(/\.sql$/, '_rollback.sql')), 'utf8'),
        checksum: checksum(text),
        formerChecksums: formerChecksums[version] ?? [],
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
