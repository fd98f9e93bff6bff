/** Sessions hold while they are used, end in time, and end at once with what they were begun with. */
import { createHash } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { Sessions, type Session, type SignIn } from '../../src/auth/sessions.ts';
import { createToken, revokeToken } from '../../src/auth/token-store.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { KeyRing } from '../../src/crypto/key-ring.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;
const bootstrapToken = new Secret(['planted', 'bootstrap', 'token'].join('-'));
const firstKey = generateEncryptionKey();
const ring = KeyRing.parse(firstKey);
const log = createLogger({ level: 'silent', format: 'json', scrub: (line) => line });

const person: SignIn = {
  method: 'oidc',
  tokenId: null,
  subject: 'oidc:4711',
  name: 'somebody',
  role: 'admin',
  expiresAt: null,
};
const bootstrap: SignIn = { ...person, method: 'token', subject: 'bootstrap', name: 'KEYWARD_ADMIN_TOKEN' };

describeOnUsualDatabases('sessions', (opened) => {
  let clock: ManualClock;
  let audit: AuditTrail;
  let sessions: Sessions;
  beforeEach(() => {
    clock = manualClock();
    audit = auditTrailOn(opened().database);
    sessions = sessionsWith({});
  });

  function sessionsWith(parts: {
    bootstrapToken?: Secret | undefined;
    signOnIsOn?: boolean;
    ring?: KeyRing;
  }): Sessions {
    return new Sessions({
      db: opened().database.kysely,
      audit,
      ring,
      clock,
      limits: { idleTimeoutMs: 30 * minute, lifetimeMs: 12 * 60 * minute },
      bootstrapToken,
      signOnIsOn: true,
      log,
      ...parts,
    });
  }
  const listed = async (those = sessions): Promise<readonly Session[]> => {
    const order = { sort: 'started_at', descending: true, after: null, limit: 200 } as const;
    return (await those.list({ filter: {}, ...order })).rows;
  };
  const start = async (who: SignIn = person, replaced?: string): Promise<string> =>
    (await sessions.start(occasionOfTests, who, replaced)).secret.reveal();
  const holds = async (cookie: string): Promise<boolean> => (await sessions.find(cookie)) !== undefined;
  const tokenSession = async (token: { role?: 'admin' | 'viewer'; expiresAt?: Date } = {}) => {
    const made = await createToken(audit, occasionOfTests, { kind: 'admin', name: 'a token', ...token });
    const cookie = await start({
      method: 'token',
      tokenId: made.id,
      subject: `token:${made.id}`,
      name: made.name,
      role: token.role ?? 'admin',
      expiresAt: made.expiresAt,
    });
    return { id: made.id, cookie };
  };

  it('are found by their cookie, as who signed in', async () => {
    const { secret, identity } = await sessions.start(occasionOfTests, { ...person, role: 'viewer' });
    expect(await sessions.find(secret.reveal())).toEqual(identity);
    expect(identity).toMatchObject({
      kind: 'session',
      name: 'somebody',
      role: 'viewer',
      subject: 'oidc:4711',
      expiresAt: new Date(clock.now().getTime() + 12 * 60 * minute),
      session: { method: 'oidc', createdAt: clock.now() },
    });
    expect(await holds(`${'x'.repeat(43)}.1790000000000`)).toBe(false);
    expect(await holds('')).toBe(false);
  });

  it('lie in the database without their cookie', async () => {
    const cookie = await start();
    const client = await opened().connect();
    const { rows } = await client.query<{ row: string }>('SELECT s::text AS row FROM keyward_sessions s');
    expect(rows[0]?.row).toContain('somebody');
    expect(rows[0]?.row).not.toContain(cookie.slice(0, 12));
  });

  it('cannot be made by whoever writes to the database but has not got the encryption key', async () => {
    const end = clock.now().getTime() + minute;
    const cookie = `${['forged', 'x'.repeat(36)].join('-')}.${end}`;
    const client = await opened().connect();
    for (const text of [cookie, `${cookie}.admin`])
      await client.query(
        `INSERT INTO keyward_sessions (id_hash, method, subject, name, role, created_at, last_seen_at, expires_at)
         VALUES ($1, 'oidc', 'me', 'me', 'admin', $2, $2, $3)`,
        [createHash('sha256').update(text).digest('hex'), clock.now(), new Date(end)],
      );
    expect(await listed()).toHaveLength(2);
    expect(await holds(cookie)).toBe(false);
  });

  it('cannot be raised from viewer to admin by SQL', async () => {
    const cookie = await start({ ...person, role: 'viewer' });
    const client = await opened().connect();
    await client.query(`UPDATE keyward_sessions SET role = 'admin'`);
    expect(await holds(cookie)).toBe(false);
    await client.query(`UPDATE keyward_sessions SET role = 'viewer'`);
    expect(await holds(cookie)).toBe(true);
  });

  it('cannot be lengthened by SQL', async () => {
    const cookie = await start();
    const client = await opened().connect();
    for (const [change, back] of [
      ["+ interval '1 ms'", "- interval '1 ms'"],
      ["+ interval '10 years'", "- interval '10 years'"],
    ] as const) {
      await client.query(`UPDATE keyward_sessions SET expires_at = expires_at ${change}`);
      expect(await holds(cookie)).toBe(false);
      await client.query(`UPDATE keyward_sessions SET expires_at = expires_at ${back}`);
      expect(await holds(cookie)).toBe(true);
    }
    await client.query("UPDATE keyward_sessions SET expires_at = expires_at + interval '10 years'");
    const moved = new Date(clock.now().getTime() + 12 * 60 * minute);
    moved.setUTCFullYear(moved.getUTCFullYear() + 10);
    expect(await holds(`${cookie.split('.', 1)[0]}.${moved.getTime()}`)).toBe(false);
  });

  it('outlive a change of the ring while their key is in it, and end when it goes', async () => {
    const cookies = [await start(), await start(bootstrap)];
    const second = generateEncryptionKey();
    const both = sessionsWith({ ring: KeyRing.parse(new Secret(`${second.reveal()},${firstKey.reveal()}`)) });
    const onlySecond = sessionsWith({ ring: KeyRing.parse(second) });
    for (const cookie of cookies) {
      expect(await both.find(cookie)).toBeDefined();
      expect(await onlySecond.find(cookie)).toBeUndefined();
    }
    const { secret } = await both.start(occasionOfTests, person);
    expect(await onlySecond.find(secret.reveal())).toBeDefined();
  });

  it('end after thirty minutes without use, to the millisecond', async () => {
    const cookie = await start();
    clock.pass(30 * minute - 1);
    expect((await listed()).map(({ name }) => name)).toEqual(['somebody']);
    clock.pass(1);
    expect(await holds(cookie)).toBe(false);
    expect(await listed()).toEqual([]);
  });

  it('go on while they are used, and end after twelve hours all the same', async () => {
    const cookie = await start();
    for (let passed = 0; passed < 12 * 60 - 20; passed += 20) {
      clock.pass(20 * minute);
      expect(await holds(cookie)).toBe(true);
      // The use is noted beside the request.
      await expect.poll(async () => (await listed())[0]?.lastSeenAt).toEqual(clock.now());
    }
    clock.pass(20 * minute - 1);
    expect(await holds(cookie)).toBe(true);
    clock.pass(1);
    expect(await holds(cookie)).toBe(false);
  });

  it('end with their token: revoked, expired, deleted', async () => {
    const revoked = await tokenSession();
    const expiring = await tokenSession({ expiresAt: new Date(clock.now().getTime() + 5 * minute) });
    const deleted = await tokenSession();
    const untouched = await tokenSession();
    await revokeToken(audit, occasionOfTests, revoked.id);
    clock.pass(5 * minute);
    const client = await opened().connect();
    await client.query('DELETE FROM keyward_tokens WHERE id = $1', [deleted.id]);
    const all = [revoked, expiring, deleted, untouched];
    expect(await Promise.all(all.map(async ({ cookie }) => holds(cookie)))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(await listed()).toHaveLength(1);
  });

  it('end with their token also where its end was moved forward afterwards', async () => {
    const { id, cookie } = await tokenSession();
    const client = await opened().connect();
    await client.query('UPDATE keyward_tokens SET expires_at = $2 WHERE id = $1', [id, clock.now()]);
    expect(await holds(cookie)).toBe(false);
  });

  it('may do no more than their token may now, and no more than it might then', async () => {
    const admin = await tokenSession();
    const viewer = await tokenSession({ role: 'viewer' });
    const client = await opened().connect();
    await client.query(`UPDATE keyward_tokens SET role = CASE id WHEN $1 THEN 'viewer' ELSE 'admin' END`, [
      admin.id,
    ]);
    expect((await sessions.find(admin.cookie))?.role).toBe('viewer');
    expect((await sessions.find(viewer.cookie))?.role).toBe('viewer');
  });

  it('of the bootstrap token end when it is another one, or none', async () => {
    const cookie = await start(bootstrap);
    expect(await holds(cookie)).toBe(true);
    expect(
      await sessionsWith({ bootstrapToken: new Secret('another-token-of-tests') }).find(cookie),
    ).toBeUndefined();
    const without = sessionsWith({ bootstrapToken: undefined });
    expect(await without.find(cookie)).toBeUndefined();
    expect(await listed(without)).toEqual([]);
  });

  it('of single sign-on end when it is turned off', async () => {
    const cookie = await start();
    const without = sessionsWith({ signOnIsOn: false });
    expect(await without.find(cookie)).toBeUndefined();
    expect(await holds(cookie)).toBe(true);
  });

  it('are replaced by the next sign-in in the same browser', async () => {
    const first = await start();
    const second = await start(person, first);
    expect([await holds(first), await holds(second)]).toEqual([false, true]);
  });

  it('are ended one by one, and all of one person at once', async () => {
    const [one, two, other] = [
      await start(),
      await start(),
      await start({ ...person, subject: 'oidc:other' }),
    ];
    const id = (await sessions.find(one))?.id ?? '';
    expect(await sessions.end(occasionOfTests, id)).toBe(true);
    expect(await sessions.end(occasionOfTests, id)).toBe(false);
    expect([await holds(one), await holds(two)]).toEqual([false, true]);
    expect(await sessions.endAllOf(occasionOfTests, 'oidc:4711')).toBe(1);
    expect([await holds(two), await holds(other)]).toEqual([false, true]);
  });

  it('that are over leave the table with the next sign-in', async () => {
    await start();
    clock.pass(31 * minute);
    await start();
    const client = await opened().connect();
    expect((await client.query('SELECT FROM keyward_sessions')).rowCount).toBe(1);
  });

  it('are recorded: begun, replaced, ended, ended everywhere, each in the transaction that did it', async () => {
    const first = await start();
    const second = await start(person, first);
    await start();
    await sessions.end(occasionOfTests, (await sessions.find(second))?.id ?? '');
    await sessions.endAllOf(occasionOfTests, 'oidc:4711');
    await sessions.endAllOf(occasionOfTests, 'oidc:nobody');
    const client = await opened().connect();
    const { rows } = await client.query<{ action: string; target_kind: string }>(
      'SELECT action, target_kind FROM keyward_audit_events ORDER BY sequence',
    );
    expect(rows.map(({ action, target_kind: kind }) => `${action} ${kind}`)).toEqual([
      'session.started session',
      'session.ended session',
      'session.started session',
      'session.started session',
      'session.ended session',
      'session.ended subject',
    ]);
    await client.query(
      `ALTER TABLE keyward_audit_events ADD CONSTRAINT full_disk CHECK (sequence < 0) NOT VALID`,
    );
    await expect(start()).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect((await client.query('SELECT FROM keyward_sessions')).rowCount).toBe(0);
  });

  it('take whatever an identity provider calls a person', async () => {
    const name = `\0${'😀'.repeat(200)}\ud800`;
    const { identity } = await sessions.start(occasionOfTests, {
      ...person,
      name,
      subject: `oidc:${'x'.repeat(400)}`,
    });
    expect(identity.name).toBe(`${'😀'.repeat(149)}\ufffd`);
    expect(identity.subject).toHaveLength(300);
  });
});
