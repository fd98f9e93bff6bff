/** The migrations of a directory: their order, their parts, and a checksum that only a change of the text changes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Migration, readMigrations } from '../../../src/database/migrations/migration-files.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'keyward-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, sql: string): void {
  writeFileSync(join(directory, `${name}.sql`), sql);
  writeFileSync(join(directory, `${name}_rollback.sql`), `-- back from ${name}`);
}

function readOnly(sql: string): Migration {
  write('001_only', sql);
  const [only] = readMigrations(directory);
  if (only === undefined) throw new Error('not read');
  return only;
}

it('they come in the order of their numbers, each with its rollback, and nothing else is taken for one', () => {
  write('010_ten', 'SELECT 10');
  write('002_two', 'SELECT 2');
  for (const name of [
    'README.md',
    '3_three.sql',
    '004-four.sql',
    'expected-catalogue.json',
    '005_five.sql.orig',
  ])
    writeFileSync(join(directory, name), '');
  expect(readMigrations(directory)).toMatchObject([
    {
      version: '002',
      name: 'two',
      file: '002_two.sql',
      sql: 'SELECT 2',
      rollbackSql: '-- back from 002_two',
    },
    {
      version: '010',
      name: 'ten',
      file: '010_ten.sql',
      sql: 'SELECT 10',
      rollbackSql: '-- back from 010_ten',
    },
  ]);
});

it('a migration without its rollback is refused', () => {
  writeFileSync(join(directory, '001_one.sql'), 'SELECT 1');
  expect(() => readMigrations(directory)).toThrow('001_one_rollback.sql');
});

it.each([
  ['line endings of Windows', 'SELECT 1;\r\nSELECT 2;\r\n'],
  ['line endings of old', 'SELECT 1;\rSELECT 2;\r'],
  ['blanks at the ends of lines', 'SELECT 1;  \t\nSELECT 2; \n'],
  ['no last line ending', 'SELECT 1;\nSELECT 2;'],
  ['empty lines at the end', 'SELECT 1;\nSELECT 2;\n\n \n'],
])('%s leave the checksum as it is', (_, sql) => {
  const plain = readOnly('SELECT 1;\nSELECT 2;\n').checksum;
  expect(plain).toMatch(/^[0-9a-f]{64}$/);
  expect(readOnly(sql).checksum).toBe(plain);
});

it.each([
  ['another word', 'SELECT 1;\nSELECT 3;\n'],
  ['a blank inside', 'SELECT  1;\nSELECT 2;\n'],
  ['an empty line between', 'SELECT 1;\n\nSELECT 2;\n'],
  ['a comment', '-- one\nSELECT 1;\nSELECT 2;\n'],
])('%s changes the checksum', (_, sql) => {
  expect(readOnly(sql).checksum).not.toBe(readOnly('SELECT 1;\nSELECT 2;\n').checksum);
});

it('the mark cuts a migration in parts that are the whole text together; without it there is one', () => {
  const marked = 'SELECT 1;\n-- A runner may commit here: it takes time.\nSELECT 2;\n';
  expect(readOnly(marked).parts).toEqual([
    'SELECT 1;\n',
    '-- A runner may commit here: it takes time.\nSELECT 2;\n',
  ]);
  expect(readOnly('SELECT 1;\n').parts).toEqual(['SELECT 1;\n']);
});

it('of those that are shipped, 002 and 005 have parts: indexes, and the check of rows that are there', () => {
  for (const { version, parts, sql } of readMigrations()) {
    expect(parts.join('')).toBe(sql);
    expect(parts).toHaveLength(['002', '005'].includes(version) ? 2 : 1);
  }
});
