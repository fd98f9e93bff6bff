/** What an archive says once it is open: any rows come back as they were, and nothing else passes for them. */
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchesIn, longestLineBytes, type RowBatch } from '../../src/backup/archive-contents.ts';
import { section, textOf } from '../support/archives.ts';

const providers = section('llm_providers', ['id', 'display_name']);
const models = section('llm_models', ['id', 'model_id']);

async function read(
  text: string,
  counts: Readonly<Record<string, number>>,
  partBytes = 1_000,
): Promise<RowBatch[]> {
  const bytes = Buffer.from(text);
  const parts = Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, index) =>
    bytes.subarray(index * partBytes, (index + 1) * partBytes),
  );
  const batches: RowBatch[] = [];
  for await (const batch of batchesIn(Readable.from(parts), counts)) batches.push(batch);
  return batches;
}

const rowsOf = (batches: readonly RowBatch[], table: string): string[] =>
  batches.filter((batch) => batch.section.table === table).flatMap(({ rows }) => rows);

it('any values come back as they were, however the bytes are cut', async () => {
  const value = fc.option(fc.string({ unit: 'grapheme' }), { nil: null });
  const rows = fc.array(fc.tuple(value, value), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.integer({ min: 1, max: 50 }), async (some, others, partBytes) => {
      const text = await textOf([
        { section: providers, rows: some.map((row) => JSON.stringify(row)) },
        { section: models, rows: others.map((row) => JSON.stringify(row)) },
      ]);
      const counts = { llm_providers: some.length, llm_models: others.length };
      const batches = await read(text, counts, partBytes);
      expect(rowsOf(batches, 'llm_providers').map((row) => JSON.parse(row) as unknown)).toEqual(some);
      expect(rowsOf(batches, 'llm_models').map((row) => JSON.parse(row) as unknown)).toEqual(others);
      // Each table is begun by a batch without rows.
      expect(batches.filter((batch) => batch.rows.length === 0)).toHaveLength(2);
    }),
  );
});

it('many rows come in batches of bounded size', async () => {
  const rows = Array.from({ length: 1_201 }, (_, index) =>
    JSON.stringify([String(index), 'x'.repeat(2_000)]),
  );
  const batches = await read(await textOf([{ section: providers, rows }]), { llm_providers: 1_201 });
  expect(batches.flatMap((batch) => batch.rows)).toEqual(rows);
  expect(Math.max(...batches.map((batch) => batch.rows.length))).toBe(500);
});

describe('is refused:', () => {
  const head = JSON.stringify(providers);
  const row = '["1", "One"]';
  const end = '{"end":true}';
  it.each([
    ['nothing at all', '', 0, 'its end is missing'],
    ['no end', `${head}\n${row}\n`, 1, 'its end is missing'],
    ['a last line without its end', `${head}\n${row}\n${end}`, 1, 'its end is missing'],
    ['more after the end', `${head}\n${row}\n${end}\n${end}\n`, 1, 'something follows its end'],
    ['a row before a table', `${row}\n${end}\n`, 1, 'a row stands before any table'],
    ['more rows than announced', `${head}\n${row}\n${row}\n${end}\n`, 1, 'more rows of llm_providers'],
    ['fewer rows than announced', `${head}\n${end}\n`, 1, 'rows of llm_providers are missing'],
    ['a table that is not announced', `${JSON.stringify(models)}\n${end}\n`, 0, 'its tables are not those'],
    ['a table twice', `${head}\n${head}\n${end}\n`, 0, 'its tables are not those'],
    ['no table', `${end}\n`, 0, 'tables that its head announces are missing'],
    ['a row that is too short', `${head}\n["1"]\n${end}\n`, 1, 'not one text for each of its columns'],
    ['a row with a number', `${head}\n["1", 1]\n${end}\n`, 1, 'not one text for each of its columns'],
    ['a row that is no JSON', `${head}\n["1",\n${end}\n`, 1, 'not one text for each of its columns'],
    ['a line of anything else', `DROP TABLE x\n${end}\n`, 0, 'neither a table nor a row'],
    ['a field more', `${head.replace('}', ',"a":1}')}\n${end}\n`, 0, 'neither a table nor a row'],
  ])('%s', async (_, text, rows, message) => {
    await expect(read(text, { llm_providers: rows })).rejects.toThrow(message);
  });

  it('a line without end, before it fills the memory', async () => {
    const part = Buffer.alloc(1024 * 1024, 'x');
    let given = 0;
    const endless = (async function* () {
      for (;;) {
        given += part.length;
        yield part;
      }
    })();
    await expect(batchesIn(endless, {}).next()).rejects.toThrow('too long');
    expect(given).toBeLessThanOrEqual(longestLineBytes + 2 * part.length);
  });

  it('a row that is too long, before it is written', async () => {
    const rows = [`["1", "${'x'.repeat(longestLineBytes)}"]`];
    await expect(textOf([{ section: providers, rows }])).rejects.toThrow('a row of llm_providers is longer');
  });
});
