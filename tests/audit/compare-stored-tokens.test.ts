/** A token that no event accounts for is remarked on; one that an event accounts for never is. */
import type pg from 'pg';
import { beforeEach, expect, it } from 'vitest';
import { compareStoredTokens } from '../../src/audit/compare-stored-tokens.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';

describeOnUsualDatabases('the stored tokens beside the trail', (opened) => {
  let client: pg.Client;
  beforeEach(async () => {
    client = await opened().connect();
    const trail = auditTrailOn(opened().database);
    await createToken(trail, occasionOfTests, { kind: 'admin', name: 'nightly', role: 'viewer' });
    await createToken(trail, occasionOfTests, { kind: 'gateway', name: 'app' });
  });
  /** As somebody does who knows about the triggers and may switch them off. */
  const unseen = async (statement: string): Promise<void> => {
    await client.query('SET session_replication_role = replica');
    await client.query(statement);
    await client.query('RESET session_replication_role');
  };
  const messages = async (): Promise<string[]> =>
    (await compareStoredTokens(opened().database.kysely)).map(({ message }) => message);
  const insert = `INSERT INTO keyward_tokens (kind, name, token_hash, token_prefix, role)
    VALUES ('admin', 'back door', repeat('ab', 32), 'kwa_xxxxxx', 'admin')`;

  it('are accounted for when Keyward made them, and when SQL changed them in sight of the triggers', async () => {
    expect(await messages()).toEqual([]);
    await client.query(insert);
    expect(await messages()).toEqual([]);
  });

  it('that were inserted past the triggers are named, until they are revoked', async () => {
    await unseen(insert);
    expect(await messages()).toEqual([
      'The admin token number 3 ("back door") is there, and no event tells of it. If nobody knows it: keyward tokens revoke 3',
    ]);
    await unseen(`UPDATE keyward_tokens SET revoked_at = now() AT TIME ZONE 'UTC' WHERE id = 3`);
    expect(await messages()).toEqual([]);
  });

  it('that were raised past the triggers are named', async () => {
    await unseen(`UPDATE keyward_tokens SET role = 'admin' WHERE name = 'nightly'`);
    expect(await messages()).toEqual([
      'The admin token number 1 ("nightly") has the role admin, and was made as admin token with the role viewer. If nobody knows it: keyward tokens revoke 1',
    ]);
  });
});
