/** The table of tokens: hashes only, revoked for good, and one first token however many start at once. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import {
  createFirstToken,
  createToken,
  findAdminToken,
  listTokens,
  noteTokenUse,
  readGoodTokens,
  revokeToken,
  stateOf,
} from '../../src/auth/token-store.ts';
import { hashToken, type TokenKind } from '../../src/auth/token.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { readRevision } from '../../src/database/revision.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { usualEngines } from '../support/depth.ts';
import { describeOnUsualDatabases, openOn } from '../support/keyward-database.ts';

describeOnUsualDatabases('the tokens', (opened) => {
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
    const { token, id } = await create('gateway', 'an application');
    const caller = { tokenId: id, name: 'an application', limits: null };
    expect(await readGoodTokens(kysely, 'gateway')).toEqual(
      new Map([[hashToken(token.reveal()), { untilMs: Infinity, caller }]]),
    );
    expect(await readGoodTokens(kysely, 'admin')).toEqual(new Map());
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
    expect(await readGoodTokens(kysely, 'gateway')).toEqual(new Map());
    const [before] = await listTokens(kysely);
    expect(await revoke(id)).toBe(true);
    expect(await listTokens(kysely)).toEqual([before]);
  });

  it('that are not there cannot be revoked', async () => {
    expect(await revoke(4711)).toBe(false);
  });

  it('carry their role and their end, to the millisecond and in UTC', async () => {
    const { kysely } = opened().database;
    const expiresAt = new Date('2031-07-01T10:20:30.456Z');
    const made = await createToken(audit, occasionOfTests, {
      kind: 'admin',
      name: 'an auditor',
      role: 'viewer',
      expiresAt,
    });
    expect(made).toMatchObject({ kind: 'admin', role: 'viewer', expiresAt, lastUsedAt: null });
    expect(await findAdminToken(kysely, hashToken(made.token.reveal()))).toMatchObject({
      id: made.id,
      role: 'viewer',
      expiresAt,
    });
    expect((await listTokens(kysely))[0]).toMatchObject({ role: 'viewer', expiresAt });
    expect(stateOf(made, new Date(expiresAt.getTime() - 1))).toBe('good');
    expect(stateOf(made, expiresAt)).toBe('expired');
  });

  it('of administrators are admin unless told otherwise, also those from before there were roles', async () => {
    const { kysely } = opened().database;
    const made = await create('admin', 'somebody');
    expect(made.role).toBe('admin');
    const client = await opened().connect();
    await client.query('UPDATE keyward_tokens SET role = NULL');
    expect((await findAdminToken(kysely, hashToken(made.token.reveal())))?.role).toBe('admin');
    expect((await listTokens(kysely))[0]?.role).toBe('admin');
  });

  it('of callers have no role, and are no admin tokens to anybody', async () => {
    const { kysely } = opened().database;
    const made = await create('gateway', 'an application');
    expect(made.role).toBeNull();
    expect(await findAdminToken(kysely, hashToken(made.token.reveal()))).toBeUndefined();
  });

  it('are noted as used, once in an interval, without a new revision and not as a foreign change', async () => {
    const { kysely } = opened().database;
    const { id } = await create('admin', 'somebody');
    const before = await readRevision(kysely);
    const at = (second: number): Date => new Date(Date.UTC(2031, 0, 1, 0, 0, second));
    const lastUse = async () => (await listTokens(kysely))[0]?.lastUsedAt;
    await noteTokenUse(kysely, id, at(0), 60_000);
    expect(await lastUse()).toEqual(at(0));
    await noteTokenUse(kysely, id, at(59), 60_000);
    expect(await lastUse()).toEqual(at(0));
    await noteTokenUse(kysely, id, at(60), 60_000);
    expect(await lastUse()).toEqual(at(60));
    await noteTokenUse(kysely, id, at(30), 60_000);
    expect(await lastUse()).toEqual(at(60));
    expect(await readRevision(kysely)).toBe(before);
    const client = await opened().connect();
    expect((await client.query('SELECT FROM keyward_foreign_changes')).rowCount).toBe(0);
  });

  it('are recorded in the audit trail with role and end, and never with the token', async () => {
    const expiresAt = new Date('2031-07-01T00:00:00.000Z');
    const { id, token } = await createToken(audit, occasionOfTests, { kind: 'admin', name: 'x', expiresAt });
    await revoke(id);
    const client = await opened().connect();
    const { rows } = await client.query<{ event: string }>(
      'SELECT event FROM keyward_audit_events ORDER BY sequence',
    );
    const facts = { kind: 'admin', name: 'x', role: 'admin', expires_at: expiresAt.toISOString() };
    expect(rows.map(({ event }) => JSON.parse(event) as unknown)).toMatchObject([
      { action: 'token.created', target: { kind: 'token', id: String(id) }, after: facts },
      { action: 'token.revoked', target: { kind: 'token', id: String(id) }, before: facts },
    ]);
    expect(JSON.stringify(rows)).not.toContain(token.reveal().slice(4, 20));
  });

  it('get a first one of each kind, and never a second first one, not even after it was revoked', async () => {
    const { kysely } = opened().database;
    const admin = await createFirst('admin');
    const gateway = await createFirst('gateway');
    expect([admin?.reveal().slice(0, 4), gateway?.reveal().slice(0, 4)]).toEqual(['kwa_', 'kwg_']);
    expect(await createFirst('admin')).toBeUndefined();
    expect((await listTokens(kysely)).map(({ kind, role }) => [kind, role])).toEqual([
      ['admin', 'admin'],
      ['gateway', null],
    ]);
    for (const { id } of await listTokens(kysely)) await revoke(id);
    expect(await createFirst('gateway')).toBeUndefined();
    expect(await listTokens(kysely)).toHaveLength(2);
  });
});

describe('ten instances that start at once', () => {
  it.each(usualEngines)('on the engine %s make one first token', async (engine) => {
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
