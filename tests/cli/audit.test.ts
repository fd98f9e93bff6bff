/** `keyward audit`: what an auditor types, what is answered, and with which exit code. */
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { commandActor } from '../../src/audit/actors.ts';
import { createToken } from '../../src/auth/token-store.ts';
import { changeParts, commandOccasion } from '../../src/cli/with-installation.ts';
import { generateEncryptionKey } from '../../src/crypto/encryption-key.ts';
import { loadConfig } from '../../src/foundation/config.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { setSource, storeKey } from '../../src/keys/change-provider.ts';
import { openInstallation } from '../../src/open-installation.ts';
import { commandLine, type CommandLine } from '../support/command-line.ts';

/** Every process loads the engine anew. */
const patience = { timeout: 240_000 };
const key = ['sk', 'or', 'v1', 'fa4e'.repeat(16)].join('-');

interface Auditing extends CommandLine {
  /** SQL as a superuser with all triggers switched off. */
  readonly tamper: (statement: string) => Promise<void>;
  readonly path: (name: string) => string;
}

/** An installation on PostgreSQL with five events: three tokens, a key, a source. */
async function auditing(): Promise<Auditing> {
  const line = await commandLine();
  const installation = await openInstallation(loadConfig(line.environment), {
    as: 'server',
    onProgress: () => undefined,
  });
  const parts = changeParts(installation);
  for (const name of ['first', 'second', 'third'])
    await createToken(installation.audit, commandOccasion(), { kind: 'gateway', name });
  await storeKey(parts, commandOccasion(), 'openrouter', { key: new Secret(key), source: 'database' });
  await setSource(parts, commandOccasion(), 'openrouter', { source: 'hybrid' });
  await installation.close();
  return {
    ...line,
    path: (name) => join(line.dataDirectory, name),
    tamper: async (statement) => {
      const client = new pg.Client({ connectionString: line.environment['DATABASE_URL'] });
      await client.connect();
      await client.query(`SET session_replication_role = replica; ${statement}`);
      await client.end();
    },
  };
}

const withoutHashes = (transcript: string): string => transcript.replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH');

describe('an auditor', patience, () => {
  it('reads the trail, newest first, and finds events by what they say', async () => {
    const { run } = await auditing();
    const { stdout } = await run('audit list');
    const lines = stdout.trim().split('\n');
    expect(lines[0]).toMatch(/^EVENT +TIME \(UTC\) +ACTOR +ACTION +TARGET +OUTCOME +DETAILS$/);
    expect(lines).toHaveLength(6);
    expect(lines[1]).toMatch(
      /^5 .* provider\.source_changed +provider:openrouter +done +source database → hybrid$/,
    );
    expect(lines[2]).toMatch(
      /^4 .* provider\.key_set .* source environment → database, fingerprint fp_[0-9a-f]{12}, mask sk-or-v…fa4e, bound_to_host openrouter\.ai:443, binding v1\.[0-9a-f]{8}\.[0-9a-f]+…$/,
    );
    expect(lines[1]).toContain(commandActor().name);
    expect(stdout).not.toContain('fa4efa4e');

    const found = (await run('audit list --action token --target token:2 --json')).json;
    expect(found).toMatchObject({ events: [{ sequence: 2, after: { name: 'second' } }], next_cursor: null });
    const page = await run('audit list --limit 2');
    expect(page.stdout.trim().split('\n')).toHaveLength(3);
    expect(page.stderr).toContain('There are older ones');
    expect((await run('audit list --until 2020-01-01 --json')).json).toEqual({
      events: [],
      next_cursor: null,
    });
    expect(await run('audit list --since yesterday')).toMatchObject({ exitCode: 2, stdout: '' });
    expect(await run('audit list --outcome maybe')).toMatchObject({ exitCode: 2, stdout: '' });
  });

  it('proves a whole trail', async () => {
    const { run } = await auditing();
    expect(withoutHashes((await run('audit verify')).transcript)).toMatchInlineSnapshot(`
      "$ keyward audit verify
      The audit trail is whole: 5 events, 1 to 5.
        Head      5 HASH
        Anchors   none: whether events were cut off the end cannot be told. See --anchors
        Waiting   0 foreign changes not in the trail yet
      "
    `);
    const { exitCode, json } = await run('audit verify --json');
    expect(exitCode).toBe(0);
    expect(json).toEqual({
      whole: true,
      fault: null,
      events: 5,
      first: 1,
      head: { sequence: 5, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      retention: null,
      anchors: null,
      waiting_foreign_changes: 0,
      remarks: [],
      seconds: expect.any(Number) as number,
    });
  });

  it('is told the first bad event, with exit code 7, and nothing can be removed that is evidence', async () => {
    const { run, tamper } = await auditing();
    await tamper(
      `UPDATE keyward_audit_events SET event = replace(event, '"second"', '"another"') WHERE sequence = 2`,
    );
    await tamper(`DELETE FROM keyward_audit_events WHERE sequence = 4`);
    expect(withoutHashes((await run('audit verify')).transcript)).toMatchInlineSnapshot(`
      "$ keyward audit verify
      The audit trail is BROKEN at event 2 (edited).
      Event 2 is not what was written there: its text or its hashes were edited, or somebody without the key added it.
      Proven before it: 1 event, number 1.
        Anchors   none: whether events were cut off the end cannot be told. See --anchors
        Waiting   0 foreign changes not in the trail yet
      ! openrouter: a key is stored (fp_FINGERPRINT) that no event tells of.
      (exit code 7)
      "
    `);
    const { exitCode, json } = await run('audit verify --json');
    expect(exitCode).toBe(7);
    expect(json).toMatchObject({ whole: false, fault: { kind: 'edited', sequence: 2 }, events: 1 });
    const retained = await run('audit retain --keep-days 0 --yes');
    expect(retained).toMatchObject({ exitCode: 7 });
    expect(retained.stdout).toContain('Nothing was removed: it is evidence.');
    expect((await run('audit list --json')).json).toMatchObject({ events: { length: 4 } });
  });

  it('is told of a key that no event accounts for, which does not break the trail', async () => {
    const { run, tamper } = await auditing();
    await tamper(`UPDATE llm_providers SET encrypted_api_key = NULL WHERE provider_slug = 'openrouter'`);
    const { exitCode, stderr } = await run('audit verify');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      /^openrouter: the stored key is none, and the last event that set it says fp_[0-9a-f]{12}\.$/m,
    );
  });

  it('finds what was cut off the end by heads that were noted elsewhere, from a file or from standard input', async () => {
    const { run, tamper, path } = await auditing();
    const { head } = (await run('audit verify --json')).json as { head: { sequence: number; hash: string } };
    const logLine = JSON.stringify({ level: 30, audit_head: head, msg: 'the head of the audit trail' });
    await writeFile(path('server.log'), `a line of another program\n${logLine}\n{"torn":`);
    expect((await run(`audit verify --anchors ${path('server.log')}`)).transcript).toContain(
      '1 noted head fits (DATA/server.log)',
    );

    await tamper('DELETE FROM keyward_audit_events WHERE sequence >= 4');
    expect((await run('audit verify')).exitCode).toBe(0);
    const fromFile = await run(`audit verify --anchors ${path('server.log')} --json`);
    expect(fromFile).toMatchObject({
      exitCode: 7,
      json: { fault: { kind: 'truncated_end', sequence: 4 }, events: 3 },
    });
    const fromInput = await run('audit verify --anchors -', { input: logLine });
    expect(fromInput.exitCode).toBe(7);
    expect(fromInput.stdout).toContain('BROKEN at event 4 (truncated_end)');
  });

  it('is told when the heads cannot be read, or when there are none, with exit code 1', async () => {
    const { run, path } = await auditing();
    await writeFile(path('empty.log'), 'nothing here\n');
    const missing = await run(`audit verify --anchors ${path('missing')}`);
    expect(missing).toMatchObject({ exitCode: 1, stdout: '' });
    expect(missing.stderr).toContain('The anchors cannot be read: ENOENT');
    const empty = await run(`audit verify --anchors ${path('empty.log')}`);
    expect(empty).toMatchObject({ exitCode: 1, stdout: '' });
    expect(empty.stderr).toContain('There is no head of an audit trail in');
  });

  it('with another encryption key learns nothing, with exit code 1', async () => {
    const { run } = await auditing();
    const env = { BYOK_ENCRYPTION_KEY: generateEncryptionKey().reveal() };
    const { exitCode, stdout, stderr } = await run('audit verify', { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toContain('does not decrypt with the encryption key here');
  });

  it('exports all of it, or a part, to standard output or to a new file that is for its owner alone', async () => {
    const { run, path } = await auditing();
    const { stdout, stderr } = await run('audit export');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { sequence: number }).sequence),
    ).toEqual([1, 2, 3, 4, 5]);
    expect(stderr).toBe('Exported 5 events.\n');

    const csv = await run(`audit export --format csv --action provider --output ${path('trail.csv')}`);
    expect(csv).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: `Exported 2 events to ${path('trail.csv')} (mode 0600).\n`,
    });
    const text = await readFile(path('trail.csv'), 'utf8');
    expect(text.split('\r\n').map((line) => line.split(',')[0])).toEqual(['sequence', '4', '5', '']);
    expect((await stat(path('trail.csv'))).mode & 0o777).toBe(0o600);

    const again = await run(`audit export --output ${path('trail.csv')}`);
    expect(again.exitCode).toBe(2);
    expect(again.stderr).toContain('is there already. Nothing was exported.');
    expect(await readFile(path('trail.csv'), 'utf8')).toBe(text);
    const nowhere = await run(`audit export --output ${path('not/there')}`);
    expect(nowhere.exitCode).toBe(1);
    expect(nowhere.stderr).toContain('ENOENT');
  });

  it('removes old events after a look and a question, and what is left is whole', async () => {
    const { run } = await auditing();
    for (const [words, code] of [
      ['audit retain', 2],
      ['audit retain --keep-days 0', 2],
      ['audit retain --keep-days 1 --before 2026-01-01 --yes', 2],
      ['audit retain --before tomorrow --yes', 2],
    ] as const)
      expect([words, (await run(words)).exitCode]).toEqual([words, code]);
    expect((await run('audit retain --keep-days 30 --yes')).stdout).toContain('No event is older than');
    expect((await run('audit retain --keep-days 0 --dry-run')).transcript).toMatchInlineSnapshot(`
      "$ keyward audit retain --keep-days 0 --dry-run
      4 events (1 to 4) would go.
      "
    `);
    expect((await run('audit retain --keep-days 0 --yes')).transcript).toMatchInlineSnapshot(`
      "$ keyward audit retain --keep-days 0 --yes
      Removed 4 events (1 to 4). An event records it.
      "
    `);
    expect(withoutHashes((await run('audit verify')).transcript)).toMatchInlineSnapshot(`
      "$ keyward audit verify
      The audit trail is whole: 2 events, 5 to 6.
        Head      6 HASH
        Start     event 5; event 6 records that those before it were removed
        Anchors   none: whether events were cut off the end cannot be told. See --anchors
        Waiting   0 foreign changes not in the trail yet
      "
    `);
    const { events } = (await run('audit list --limit 1 --json')).json as {
      events: { actor: { kind: string }; after: object }[];
    };
    expect(events).toMatchObject([
      { action: 'audit.retention', actor: { kind: 'command' }, after: { removed_through: 4, count: 4 } },
    ]);
    const nothing = await run('audit retain --before 2020-01-01 --yes --json');
    expect(nothing).toMatchObject({ exitCode: 0, json: { removed: false, events: null } });
  });

  it('finds the reason that was given to a command', async () => {
    // Nobody listens there: a test that fails is on record too.
    const { run } = await commandLine({ OPENROUTER_BASE_URL: 'http://127.0.0.1:9/v1' });
    const commands: readonly (readonly [words: string, action: string, input?: string])[] = [
      ['keys set openrouter', 'provider.key_set', `${key}\n`],
      ['keys test openrouter', 'provider.key_tested'],
      ['keys source openrouter hybrid', 'provider.source_changed'],
      ['keys remove openrouter --yes', 'provider.key_removed'],
      ['providers change groq --name Groq-2', 'provider.changed'],
      ['providers delete cohere --yes', 'provider.deleted'],
      ['tokens create first', 'token.created'],
      ['audit retain --keep-days 0 --yes', 'audit.retention'],
    ];
    for (const [words, action, input = ''] of commands) {
      await run(`${words} --reason why-${action}`, { input });
      const { events } = (await run('audit list --limit 1 --json')).json as { events: object[] };
      expect(events).toMatchObject([{ action, reason: `why-${action}`, actor: { kind: 'command' } }]);
    }
    const leaky = await run(`tokens create second --reason replaces-${key}`);
    expect(leaky.exitCode).toBe(0);
    expect((await run('audit list --json')).stdout).not.toContain(key);
    const tooLong = await run(`keys source groq database --reason ${'x'.repeat(501)}`);
    expect(tooLong).toMatchObject({ exitCode: 2 });
    expect(tooLong.stderr).toContain('one line of at most 500 characters');
  });
});

describe('with the embedded database', patience, () => {
  it('a command notes the head where no server runs, and the verification uses that by itself', async () => {
    const { run, serve, dataDirectory } = await commandLine({}, 'embedded');
    const path = join(dataDirectory, 'audit-heads.jsonl');
    const noted = async (): Promise<number[]> => {
      const lines = (await readFile(path, 'utf8')).trim().split('\n');
      return lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    };
    await run('tokens create first');
    await run('tokens create second');
    expect(await noted()).toEqual([1, 2]);
    expect((await run('audit verify --json')).json).toMatchObject({
      whole: true,
      anchors: { from: path, proven: 2, newest: 2 },
    });
    const aside = `${path}.aside`;
    await rename(path, aside);
    const bare = await run('audit verify');
    expect([bare.exitCode, bare.stdout]).toEqual([1, expect.stringContaining('The audit trail is whole')]);
    expect(bare.stderr).toContain(`The heads that should lie in ${path} are not there`);
    await rename(aside, path);
    const { process } = await serve();
    await run('tokens create third');
    await expect.poll(async () => (await noted()).at(-1), { timeout: 30_000 }).toBe(4);
    expect(new Set(await noted()).size).toBe((await noted()).length);
    process.kill('SIGTERM');
    await process.ended();
    await writeFile(path, `${JSON.stringify({ sequence: 9, hash: 'ab'.repeat(32) })}\n`, { flag: 'a' });
    const { exitCode, stdout } = await run('audit verify');
    expect(exitCode).toBe(7);
    expect(stdout).toContain('Event 9 was anchored, and the trail ends with event 4');
  });

  it('a head that cannot be noted does not undo the change, and is told', async () => {
    const { run } = await commandLine({ AUDIT_ANCHOR_FILE: '/dev/null/heads.jsonl' }, 'embedded');
    const { exitCode, stdout, stderr } = await run('tokens create first');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^kwg_/);
    expect(stderr).toContain('The head of the audit trail cannot be noted in /dev/null/heads.jsonl: ENOTDIR');
  });
});
