/** SCHEMA.md and the database agree, on both engines: it leaves nothing out, and its SQL works as it stands. */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { describe, expect, it } from 'vitest';
import { sectionOf, sqlStatements } from '../../scripts/markdown-sql.ts';
import { readSchema } from '../../scripts/read-schema.ts';
import { nobodySaid } from '../../scripts/schema-writers.ts';
import { describeOnEachDatabase } from '../support/keyward-database.ts';

const document = readFileSync(new URL('../../SCHEMA.md', import.meta.url), 'utf8');
const commonQueries = sqlStatements(sectionOf(document, '## Common queries'));
const exampleData = sqlStatements(sectionOf(document, '## Example data'));

/** What the example leaves to the programs that run: a server, a token, an administrator who tests a key. */
const runningServer = `
  INSERT INTO keyward_instances (id, host, pid, version, revision, serves)
  SELECT gen_random_uuid(), 'gateway-1', 1, '0.0.0', revision, '{"openrouter": {"source": "database"}}' FROM keyward_revision;
  INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix) VALUES ('gateway', 'app', repeat('0', 64), 'kw_');
  INSERT INTO keyward_sessions (id_hash, method, subject, name, role, expires_at)
  VALUES (repeat('0', 64), 'oidc', '42', 'An administrator', 'admin', (now() AT TIME ZONE 'UTC') + interval '1 hour');
  INSERT INTO keyward_key_tests (provider_slug, fingerprint, source, verdict, message, advice, response_time_ms, asked_by, tested_at)
  VALUES ('openrouter', 'fp', 'database', 'valid', 'Good.', 'Nothing.', 12, 'An administrator', now() AT TIME ZONE 'UTC');
  INSERT INTO keyward_audit_events (sequence, event, previous_hash, hash)
  VALUES (1, '{"occurred_at": "2026-01-31T12:00:00.000Z", "actor": {"kind": "session", "name": "An administrator"}, "action": "provider.key_tested",
               "target": {"kind": "provider", "id": "openrouter"}, "outcome": "done"}', repeat('0', 64), repeat('1', 64))`;

describeOnEachDatabase('SCHEMA.md', (opened) => {
  it('every table, column and function of the migrated database has a comment', async () => {
    const { tables, functions } = await readSchema(opened().database.kysely);
    expect(tables.length).toBeGreaterThan(9);
    expect(functions.length).toBeGreaterThan(2);
    const uncommented = [
      ...[...tables, ...functions].filter(({ comment }) => !comment).map(({ name }) => name),
      ...tables.flatMap(({ name, columns }) =>
        columns.filter(({ comment }) => !comment).map((column) => `${name}.${column.name}`),
      ),
    ];
    expect(uncommented).toEqual([]);
  });

  it('describes every table with each of its columns, constraints, indexes and triggers', async () => {
    const { tables, functions } = await readSchema(opened().database.kysely);
    const missing = tables.flatMap(({ name, columns, constraints, indexes, triggers }) => {
      const section = sectionOf(document, `### ${name}`);
      return [
        ...columns.filter((one) => !section.includes(`\n| \`${one.name}\` | `)),
        ...[...constraints, ...indexes, ...triggers].filter(
          (one) => !section.includes(`\n- \`${one.name}\`: `),
        ),
      ].map((one) => `${name}.${one.name}`);
    });
    expect(missing).toEqual([]);
    expect(functions.filter(({ name }) => !document.includes(`| \`${name}()\` | `))).toEqual([]);
  });

  it('every statement of SQL in it runs as it stands', async () => {
    expect(commonQueries.length).toBeGreaterThan(20);
    const client = await opened().connect();
    const failed: string[] = [];
    // Roles outlive a database, hence the transaction.
    await client.query('BEGIN');
    for (const statement of sqlStatements(document)) {
      await client.query('SAVEPOINT before');
      const failure = await client.query(statement).then(
        () => null,
        (error: Error) => `${error.message}: ${statement}`,
      );
      if (failure !== null) await client.query('ROLLBACK TO before');
      failed.push(...(failure === null ? [] : [failure]));
    }
    await client.query('ROLLBACK');
    expect(failed).toEqual([]);
  });

  it('every common query finds what its title says, in the example data', async () => {
    const client = await opened().connect();
    for (const statement of exampleData) await client.query(statement);
    await client.query(runningServer);
    const unanswered: string[] = [];
    for (const statement of commonQueries) {
      if ((await affected(client, statement)) === 0) unanswered.push(statement);
    }
    expect(unanswered).toEqual([]);
  });
});

/** How many rows a statement gives or changes; it changes none for good. */
async function affected(client: pg.Client, statement: string): Promise<number> {
  await client.query('BEGIN');
  const { rowCount } = await client.query(statement);
  await client.query('ROLLBACK');
  return rowCount ?? 0;
}

describe('the comments', () => {
  it('say who writes every column', () => {
    expect(sectionOf(document, '## Who writes what')).not.toContain(nobodySaid);
  });
});
