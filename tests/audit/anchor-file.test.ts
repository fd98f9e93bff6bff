/** The anchor file: whole lines from any number of writers, for its owner alone, and nothing in it ever changed. */
import { chmod, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { fileAnchor } from '../../src/audit/anchor-file.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const hashOf = (sequence: number): string => sequence.toString(16).padStart(64, '0');
const headOf = (sequence: number) => ({ sequence, hash: hashOf(sequence), at: '2026-01-01T00:00:00.000Z' });

describe('the anchor file', () => {
  const directory = useTemporaryDirectory();
  let path: string;
  let made = 0;
  beforeEach(() => {
    made += 1;
    path = join(directory(), `heads-${made}.jsonl`);
  });
  const linesOf = async (): Promise<string[]> => (await readFile(path, 'utf8')).split('\n');

  it('gets one line for each head, and is for its owner alone', async () => {
    const anchor = fileAnchor(path);
    await anchor.note(headOf(1));
    await anchor.note(headOf(2));
    expect(await linesOf()).toEqual([JSON.stringify(headOf(1)), JSON.stringify(headOf(2)), '']);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('gives back the head that was noted last; none where there is no file, or nothing in it', async () => {
    const anchor = fileAnchor(path);
    expect(await anchor.last()).toBeUndefined();
    await writeFile(path, '');
    expect(await anchor.last()).toBeUndefined();
    for (let sequence = 1; sequence <= 300; sequence += 1) await anchor.note(headOf(sequence));
    expect(await anchor.last()).toEqual({ sequence: 300, hash: hashOf(300) });
  });

  it('after a line that was torn goes on with a whole one', async () => {
    const anchor = fileAnchor(path);
    await anchor.note(headOf(1));
    await anchor.note(headOf(2));
    await truncate(path, (await stat(path)).size - 30);
    expect(await anchor.last()).toEqual({ sequence: 1, hash: hashOf(1) });
    await anchor.note(headOf(3));
    const [first, , third] = await linesOf();
    expect([first, third]).toEqual([JSON.stringify(headOf(1)), JSON.stringify(headOf(3))]);
  });

  it('takes the lines of many writers at once without mixing them', async () => {
    const anchors = Array.from({ length: 10 }, () => fileAnchor(path));
    await Promise.all(
      anchors.flatMap((anchor, writer) =>
        Array.from({ length: 20 }, async (_, turn) => anchor.note(headOf(writer * 100 + turn + 1))),
      ),
    );
    const lines = (await linesOf()).filter((line) => line !== '');
    const expected = anchors.flatMap((_, writer) =>
      Array.from({ length: 20 }, (_, turn) => writer * 100 + turn + 1),
    );
    expect(
      lines.map((line) => (JSON.parse(line) as { sequence: number }).sequence).toSorted((a, b) => a - b),
    ).toEqual(expected);
  });

  it('makes its directory, but no path of several, which would be a mistake', async () => {
    path = join(directory(), 'made', 'heads.jsonl');
    await fileAnchor(path).note(headOf(1));
    expect((await stat(join(directory(), 'made'))).mode & 0o777).toBe(0o700);
    await expect(
      fileAnchor(join(directory(), 'not', 'there', 'heads.jsonl')).note(headOf(1)),
    ).rejects.toThrow('ENOENT');
  });

  it('that cannot be written says so', async () => {
    path = join(directory(), `a-directory-${made}`);
    await mkdir(path);
    await expect(fileAnchor(path).note(headOf(1))).rejects.toThrow('EISDIR');
    await chmod(path, 0o700);
  });
});
