/** An archive in a file: whatever was done to it is noticed, by whom the ring has, and by whom it has not where it was an accident. */
import { mkdir, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  inspectArchive,
  keysNeeded,
  proveArchive,
  type ArchiveReport,
} from '../../src/backup/inspect-archive.ts';
import { ArchiveFile } from '../../src/backup/read-archive.ts';
import type { KeyRing } from '../../src/crypto/key-ring.ts';
import { shippedMigrations } from '../../src/database/migrations/shipped-migrations.ts';
import { archiveOf, newRing, ringOf, section, withFittingChecksum } from '../support/archives.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const known = shippedMigrations();
const rings = ringOf('old', 'new', 'other');
const ring = rings('old');
const tokens = section('keyward_tokens', ['id', 'name']);
const made = {
  ring,
  batches: [{ section: tokens, rows: ['["1", "an application"]', '["2", null]'] }],
};

const refused =
  /is damaged|is no archive|is an archive of format|is encrypted under the key|takes the encryption key|Install Keyward/;

let files = 0;
async function fileOf(bytes: Buffer): Promise<string> {
  const path = join(directory(), `${(files += 1)}.archive`);
  await writeFile(path, bytes);
  return path;
}

async function inspect(bytes: Buffer, under: KeyRing | null = ring): Promise<ArchiveReport> {
  const archive = await ArchiveFile.open(await fileOf(bytes));
  try {
    return await inspectArchive(archive, under, known);
  } finally {
    await archive.close();
  }
}

async function prove(bytes: Buffer, under: KeyRing = ring): Promise<void> {
  const archive = await ArchiveFile.open(await fileOf(bytes));
  try {
    await proveArchive(archive, under, known);
  } finally {
    await archive.close();
  }
}

describe('a whole archive', () => {
  it('is proven with any ring that has its key', async () => {
    const good = { isWhole: true, opens: true, isProven: true, fault: null, missingKeys: [] };
    expect(await inspect(await archiveOf(made))).toEqual(good);
    expect(await inspect(await archiveOf(made), rings('new', 'old'))).toEqual(good);
  });

  it('without its key is said to be whole, and not to be proven; and which keys are missing', async () => {
    const [id, otherId] = [ring.activeKeyId, rings('other').activeKeyId];
    const archive = await archiveOf({
      ...made,
      header: {
        keys: [
          { id, tokens: 3 },
          { id: otherId, tokens: 1 },
        ],
      },
    });
    const unproven = { isWhole: true, opens: false, isProven: null, fault: null };
    expect(await inspect(archive, rings('new'))).toEqual({ ...unproven, missingKeys: [id, otherId] });
    expect(await inspect(archive, null)).toEqual({ ...unproven, opens: null, missingKeys: [id, otherId] });
    expect(await inspect(archive)).toMatchObject({ isProven: true, missingKeys: [otherId] });
    await expect(prove(archive)).rejects.toThrow(`takes the encryption key ${otherId}`);
    await expect(prove(archive, rings('new'))).rejects.toThrow(
      `takes the encryption keys ${id} and ${otherId}`,
    );
  });
});

describe('is noticed:', () => {
  it('a bit that was turned, anywhere in the file, also by whom its checksum fits', async () => {
    const archive = await archiveOf(made);
    for (let at = 0; at < archive.length; at += 1) {
      const turned = Buffer.from(archive);
      turned[at] = (turned[at] ?? 0) ^ (1 << (at % 8));
      for (const bytes of [turned, withFittingChecksum(turned)]) {
        // In the checksum itself there is nothing left to be noticed once it fits.
        if (bytes.equals(archive)) continue;
        await expect(prove(bytes), `byte ${at}`).rejects.toThrow(refused);
      }
    }
  });

  it('an end that was cut off, at any place', async () => {
    const archive = await archiveOf(made);
    for (let length = 1; length < archive.length; length += 7) {
      const cut = archive.subarray(0, -length);
      await expect(prove(cut)).rejects.toThrow(refused);
      await expect(prove(withFittingChecksum(cut))).rejects.toThrow(refused);
    }
  });

  it('something that was put behind it', async () => {
    const longer = Buffer.concat([await archiveOf(made), Buffer.from('more')]);
    expect(await inspect(longer)).toMatchObject({ isWhole: false, isProven: false });
    expect((await inspect(withFittingChecksum(longer))).fault).toContain('chunk 1 of its contents');
  });

  it('a head that was edited, also where its checksum fits', async () => {
    const text = (await archiveOf(made)).toString('latin1');
    const edited = Buffer.from(text.replace('"schema_version":"012"', '"schema_version":"010"'), 'latin1');
    expect((await inspect(withFittingChecksum(edited))).fault).toContain('its head is not as it was written');
  });

  it('the contents of another archive under the same key', async () => {
    const [one, other] = [
      await archiveOf(made),
      await archiveOf({ ...made, header: { salt: '11'.repeat(32) } }),
    ];
    const bodyFrom = one.indexOf('\n', one.indexOf('\n', one.indexOf('\n') + 1) + 1) + 1;
    const mixed = Buffer.concat([one.subarray(0, bodyFrom), other.subarray(bodyFrom)]);
    await expect(prove(withFittingChecksum(mixed))).rejects.toThrow('chunk 1 of its contents');
  });

  it('names that are no names of Keyward, by whoever has the key', async () => {
    const one = (table: string, columns: string[]): Promise<Buffer> =>
      archiveOf({
        ring,
        batches: [{ section: section(table, columns), rows: [JSON.stringify(columns.map(() => '1'))] }],
      });
    await expect(prove(await one('pg_authid', ['rolname']))).rejects.toThrow('"pg_authid"');
    await expect(prove(await one('keyward_sessions', ['id_hash']))).rejects.toThrow('"keyward_sessions"');
    await expect(prove(await one('keyward_tokens', ['id', 'id) VALUES (1); --']))).rejects.toThrow(
      'a column that Keyward does not archive',
    );
    await expect(prove(await one('keyward_tokens', ['id', 'id']))).rejects.toThrow('"keyward_tokens.id"');
    // The database makes it.
    await expect(prove(await one('keyward_audit_events', ['action']))).rejects.toThrow('events.action"');
  });

  it('rows beyond those that are announced, by whoever has the key', async () => {
    const archive = await archiveOf({ ...made, header: { tables: { keyward_tokens: 1 } } });
    await expect(prove(archive)).rejects.toThrow('more rows of keyward_tokens than its head announces');
  });
});

describe('what is no archive of this program is said to be none:', () => {
  it.each([
    ['an empty file', Buffer.alloc(0), 'is no archive of Keyward'],
    ['text', Buffer.from('-- PostgreSQL database dump\n'), 'is no archive of Keyward'],
    ['a compressed file', gzipSync('keyward archive 1'), 'is no archive of Keyward'],
    ['one line without end', Buffer.alloc(3 * 1024 * 1024, 'x'), 'is no archive of Keyward'],
    ['a head and no more', Buffer.from('keyward archive 1\n{}\n'), 'is damaged: its head'],
    ['a newer format', Buffer.from('keyward archive 2\n'), 'Use a newer Keyward'],
  ])('%s', async (_, bytes, message) => {
    await expect(ArchiveFile.open(await fileOf(bytes))).rejects.toThrow(message);
  });

  it('a directory, a pipe, and nothing', async () => {
    const path = join(directory(), 'other');
    await mkdir(path);
    await expect(ArchiveFile.open(path)).rejects.toThrow('is no file');
    await expect(ArchiveFile.open(`${path}/none`)).rejects.toThrow('cannot be read');
    execFileSync('mkfifo', [`${path}/pipe`]);
    await expect(ArchiveFile.open(`${path}/pipe`)).rejects.toThrow('is no file');
  });

  it('one of a newer schema, with the version to install; its contents are still proven', async () => {
    const newer = await archiveOf({
      ring: ring,
      batches: [{ section: section('keyward_later', ['id']), rows: ['["1"]'] }],
      header: { schema_version: '900', keyward_version: '9.1.0' },
    });
    await expect(prove(newer)).rejects.toThrow('Install Keyward 9.1.0 or newer');
    expect(await inspect(newer)).toMatchObject({ isProven: true, fault: null });
  });
});

it('the keys that it takes are told once each, its own first', async () => {
  const keys = [rings('new'), ring, rings('other')].map(({ activeKeyId: id }) => ({ id, tokens: 1 }));
  const archive = await ArchiveFile.open(await fileOf(await archiveOf({ ...made, header: { keys } })));
  expect(keysNeeded(archive)).toEqual([
    ring.activeKeyId,
    rings('new').activeKeyId,
    rings('other').activeKeyId,
  ]);
  await archive.close();
});

it('another ring says which key it takes', async () => {
  const archive = await ArchiveFile.open(await fileOf(await archiveOf(made)));
  await expect(archive.batches(newRing()).next()).rejects.toThrow(`under the key ${ring.activeKeyId}`);
  await archive.close();
});
