/** Administrators are recognised by their tokens; guesses are slowed down, and good tokens are not locked out. */
import { randomBytes } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import type { AuditTrail } from '../../src/audit/audit-trail.ts';
import { AdminAccess } from '../../src/auth/admin-access.ts';
import { createToken, listTokens, revokeToken, type NewToken } from '../../src/auth/token-store.ts';
import { generateToken } from '../../src/auth/token.ts';
import { createLogger } from '../../src/foundation/logger.ts';
import { KeywardError } from '../../src/foundation/errors.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { auditTrailOn, occasionOfTests } from '../support/audited.ts';
import { describeOnUsualDatabases } from '../support/keyward-database.ts';
import { manualClock, type ManualClock } from '../support/manual-clock.ts';

const bootstrapToken = new Secret(['chosen', 'by', 'a', 'person'].join('-'));
const here = '192.0.2.1';

describeOnUsualDatabases('an administrator', (opened) => {
  let clock: ManualClock;
  let audit: AuditTrail;
  let access: AdminAccess;
  beforeEach(() => {
    clock = manualClock();
    audit = auditTrailOn(opened().database);
    access = accessWith(bootstrapToken);
  });
  const accessWith = (token: Secret): AdminAccess =>
    new AdminAccess({
      db: opened().database.kysely,
      clock,
      bootstrapToken: token,
      log: createLogger({ level: 'silent', format: 'json', scrub: (line) => line }),
    });
  const make = async (token: Partial<NewToken> = {}) => {
    const made = await createToken(audit, occasionOfTests, { kind: 'admin', name: 'a token', ...token });
    return { id: made.id, text: made.token.reveal() };
  };
  const outcome = async (token: string, address = here): Promise<string> =>
    access.byToken(token, address).then(
      ({ name }) => name,
      (error: unknown) => (error instanceof KeywardError ? `${error.code}: ${error.message}` : String(error)),
    );
  const wrong = 'token_invalid: The token is not valid.';
  const slowed = 'too_many_attempts: Too many attempts failed. Wait as long as Retry-After says.';
  const guess = async (times: number, address = here): Promise<void> => {
    for (let n = 0; n < times; n += 1) await outcome(`guess-number-${n}`, address);
  };

  it('is recognised by a token, with its role and its end', async () => {
    const expiresAt = new Date(clock.now().getTime() + 1_000);
    const { id, text } = await make({ role: 'viewer', expiresAt });
    expect(await access.byToken(text, here)).toEqual({
      kind: 'admin_token',
      id: String(id),
      name: 'a token',
      role: 'viewer',
      subject: `token:${id}`,
      expiresAt,
      session: null,
    });
  });

  it('is recognised by the token of the environment, also when the database is away', async () => {
    await opened().letGo();
    expect(await access.byToken(bootstrapToken.reveal(), here)).toMatchObject({
      kind: 'bootstrap_token',
      id: null,
      role: 'admin',
    });
    await opened().restart();
  });

  it('with a wrong, expired, revoked or gateway token hears the same words', async () => {
    const expired = await make({ expiresAt: clock.now() });
    const revoked = await make();
    await revokeToken(audit, occasionOfTests, revoked.id);
    const gateway = await make({ kind: 'gateway' });
    const tokens = [generateToken('admin').reveal(), 'anything', expired.text, revoked.text, gateway.text];
    expect(await Promise.all(tokens.map(async (token) => outcome(token)))).toEqual(tokens.map(() => wrong));
  });

  it('is known to have used a token, to a minute', async () => {
    const { text } = await make();
    const { kysely } = opened().database;
    const lastUse = async () => (await listTokens(kysely))[0]?.lastUsedAt;
    await outcome(text);
    const first = clock.now();
    await expect.poll(lastUse).toEqual(first);
    clock.pass(59_999);
    await outcome(text);
    clock.pass(1);
    await outcome(text);
    await expect.poll(lastUse).toEqual(new Date(first.getTime() + 60_000));
  });

  it('is let in though the use cannot be noted', async () => {
    const { text } = await make();
    const client = await opened().connect();
    await client.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
      CREATE TRIGGER refused BEFORE UPDATE ON keyward_tokens FOR EACH ROW EXECUTE FUNCTION refuse()`);
    expect(await outcome(text)).toBe('a token');
  });

  it('who guesses is slowed down after ten failures, for longer each time', async () => {
    await guess(10);
    expect(await outcome('another-guess')).toBe(slowed);
    await expect(access.byToken('another-guess', here)).rejects.toMatchObject({ retryAfterSeconds: 30 });
    clock.pass(30_000);
    expect(await outcome('another-guess')).toBe(wrong);
    await expect(access.byToken('another-guess', here)).rejects.toMatchObject({ retryAfterSeconds: 60 });
  });

  it('with a token that cannot be guessed gets in from an address that is slowed down', async () => {
    const { text } = await make();
    await guess(10);
    expect(await outcome(text)).toBe('a token');
    expect(await outcome(generateToken('admin').reveal())).toBe(slowed);
  });

  it('cannot be found by guessing while the address is slowed down, were the guess the right one', async () => {
    await guess(10);
    expect(await outcome(bootstrapToken.reveal())).toBe(slowed);
    expect(await outcome(bootstrapToken.reveal(), '192.0.2.2')).toBe('KEYWARD_ADMIN_TOKEN');
    clock.pass(30_000);
    expect(await outcome(bootstrapToken.reveal())).toBe('KEYWARD_ADMIN_TOKEN');
  });

  it('with a random token of the environment gets in from an address that is slowed down', async () => {
    const random = new Secret(randomBytes(16).toString('hex'));
    access = accessWith(random);
    await guess(10);
    expect(await outcome(random.reveal())).toBe('KEYWARD_ADMIN_TOKEN');
    expect(await outcome(randomBytes(16).toString('hex'))).toBe(slowed);
  });

  it('whose token others try from everywhere gets in from where nobody failed', async () => {
    for (let n = 0; n < 40; n += 1) await outcome(`chosen-by-guess-${n}`, `198.51.100.${n}`);
    expect(await outcome(bootstrapToken.reveal(), '203.0.113.9')).toBe('KEYWARD_ADMIN_TOKEN');
    expect(await outcome('chosen-by-guess', '203.0.113.10')).toBe(wrong);
    expect(await outcome('chosen-by-guess', '203.0.113.10')).toBe(slowed);
  });

  it('who waits is not kept for longer by asking meanwhile', async () => {
    await guess(10);
    for (let n = 0; n < 30; n += 1) await outcome(generateToken('admin').reveal());
    clock.pass(30_000);
    expect(await outcome(bootstrapToken.reveal())).toBe('KEYWARD_ADMIN_TOKEN');
  });
});
