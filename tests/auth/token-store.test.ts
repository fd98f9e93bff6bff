/** The table of tokens: hashes only, revoked for good, and one first token however many start at once. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import {
  createFirstToken,
  createToken,
  listTokens,
  readGoodHashes,
  revokeToken,
} from '../../src/auth/token-store.ts';
import { hashToken, type TokenKind } from '../../src/auth/token.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnEachDatabase, openOn } from '../support/keyward-database.ts';

describeOnEachDatabase('the tokens', (opened) => {
  let audit: AuditTrail;
  beforeEach(() => {
    audit = auditTrailOn(opened().database);
  });
  const create = async (kind: TokenKind, name: string) => createToken(audit, occasionOfTests, { kind, name });
  const revoke = async (id: number) => (await revokeToken(audit, occasionOfTests, id)).found;
  const createFirst = async (kind: TokenKind) =>
    createFirstToken(opened().database.kysely, audit, occasionOfTests, kind);

  it('are good from the moment they are made, for their kind alone', async () => {
    const { kysely } = opened().database;
    const { token } = await create('gateway', 'an application');
    expect(await readGoodHashes(kysely, 'gateway')).toEqual(new Set([hashToken(token.reveal())]));
    expect(await readGoodHashes(kysely, 'admin')).toEqual(new Set());
  });

  it('lie in the database as hashes: no column holds more of one than its beginning', async () => {
    const { token } = await create('admin', 'somebody');
    const client = await opened().connect();
    const { rows } = await client.query<{ row: string }>('SELECT t::text AS row FROM keyward_tokens t');
    expect(rows[0]?.row).toContain(token.reveal().slice(0, 10));
    expect(rows[0]?.row).not.toContain(token.reveal().slice(0, 11));
  });

  it('are listed in the order in which they were made, the revoked ones too', async () => {
    const { kysely } = opened().database;
    const first = await create('gateway', 'first');
    const second = await create('admin', 'second');
    await revoke(first.id);
    const [one, two] = await listTokens(kysely);
    expect(one).toMatchObject({
      id: first.id,
      kind: 'gateway',
      name: 'first',
      prefix: first.token.reveal().slice(0, 10),
    });
    expect(two).toMatchObject({ id: second.id, kind: 'admin', name: 'second', revokedAt: null });
    for (const date of [one?.createdAt, one?.revokedAt, two?.createdAt])
      expect(Math.abs((date?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('are good no more once they are revoked, and the first date of it stays', async () => {
    const { kysely } = opened().database;
    const { id } = await create('gateway', 'an application');
    expect(await revoke(id)).toBe(true);
    expect(await readGoodHashes(kysely, 'gateway')).toEqual(new Set());
    const [before] = await listTokens(kysely);
    expect(await revoke(id)).toBe(true);
    expect(await listTokens(kysely)).toEqual([before]);
  });

  it('that are not there cannot be revoked', async () => {
    expect(await revoke(4711)).toBe(false);
  });

  it('get a first one of each kind, and never a second first one, not even after it was revoked', async () => {
    const { kysely } = opened().database;
    const admin = await createFirst('admin');
    const gateway = await createFirst('gateway');
    expect([admin?.reveal().slice(0, 4), gateway?.reveal().slice(0, 4)]).toEqual(['kwa_', 'kwg_']);
    expect(await createFirst('admin')).toBeUndefined();
    for (const { id } of await listTokens(kysely)) await revoke(id);
    expect(await createFirst('gateway')).toBeUndefined();
    expect(await listTokens(kysely)).toHaveLength(2);
  });
});

describe('ten instances that start at once', () => {
  it.each(['embedded', 'postgres'] as const)('on the engine %s make one first token', async (engine) => {
    const opened = await openOn(engine);
    await opened.empty();
    const instances = await Promise.all(Array.from({ length: 10 }, async () => opened.reopen()));
    const ring = KeyRing.parse(generateEncryptionKey());
    const made = await Promise.all(
      instances.map(async (database) =>
        createFirstToken(database.kysely, auditTrailOn(database, ring), occasionOfTests, 'gateway'),
      ),
    );
    expect(made.filter((token) => token !== undefined)).toHaveLength(1);
    expect(await listTokens(opened.database.kysely)).toHaveLength(1);
    await opened.close();
  });
});
