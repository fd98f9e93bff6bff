/**
 * What an archive says once it is open: lines of JSON. A section for each table names its columns and where its
 * numbers go on; each row is a line of texts and nulls in the order of the columns; one line ends it all. A line
 * is of bounded length and the rows are counted against the head, so that nothing small unpacks to more than
 * was announced.
 */
import { z } from 'zod';

/** A row that is longer could not be loaded in one statement everywhere. */
export const longestLineBytes = 64 * 1024 * 1024;
const endLine = '{"end":true}';

const sectionSchema = z.strictObject({
  table: z.string(),
  columns: z.array(z.string()).min(1).max(1_000),
  /** Where the numbers of its identity column stand; null where it has none. */
  sequence: z
    .strictObject({ column: z.string(), last_value: z.string().regex(/^\d{1,19}$/), is_called: z.boolean() })
    .nullable(),
});

export type Section = z.infer<typeof sectionSchema>;

/** Rows of one table that follow each other, each the text of a JSON array; the first of a section may be empty. */
export interface RowBatch {
  readonly section: Section;
  readonly rows: readonly string[];
}

/** What is not as Keyward writes it, in words that follow "it is damaged: ". */
class ContentsFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ContentsFault';
  }
}

/** @throws ContentsFault naming the table of a row that is too long */
export async function* linesOf(batches: AsyncIterable<RowBatch>): AsyncGenerator<Buffer> {
  let current: Section | undefined;
  for await (const { section, rows } of batches) {
    if (section !== current) yield Buffer.from(`${JSON.stringify(section)}\n`);
    current = section;
    if (rows.length === 0) continue;
    if (rows.some((row) => Buffer.byteLength(row) > longestLineBytes))
      throw new ContentsFault(`a row of ${section.table} is longer than ${longestLineBytes} bytes`);
    yield Buffer.from(`${rows.join('\n')}\n`);
  }
  yield Buffer.from(`${endLine}\n`);
}

const batchRows = 500;
const batchCharacters = 1024 * 1024;

/**
 * @param plain what linesOf gave, in parts of any size
 * @param counts how many rows of which tables are announced, in their order
 * @throws ContentsFault when it is anything else
 */
export async function* batchesIn(
  plain: AsyncIterable<Buffer>,
  counts: Readonly<Record<string, number>>,
): AsyncGenerator<RowBatch> {
  const announced = Object.entries(counts);
  let section: Section | undefined;
  let batch: string[] = [];
  let [characters, left] = [0, 0];
  let isEnded = false;
  for await (const line of splitLines(plain)) {
    if (isEnded) throw new ContentsFault('something follows its end');
    if (line.startsWith('[')) {
      if (section === undefined) throw new ContentsFault('a row stands before any table');
      refuseOddRow(line, section);
      if ((left -= 1) < 0) throw new ContentsFault(`more rows of ${section.table} than its head announces`);
      batch.push(line);
      characters += line.length;
      if (batch.length < batchRows && characters < batchCharacters) continue;
    }
    if (section !== undefined && batch.length > 0) yield { section, rows: batch };
    [batch, characters] = [[], 0];
    if (line.startsWith('[')) continue;
    if (left !== 0) throw new ContentsFault(`rows of ${section?.table ?? 'a table'} are missing`);
    if (line === endLine) {
      isEnded = true;
      continue;
    }
    section = readSection(line);
    const [table, rows] = announced.shift() ?? [];
    if (section.table !== table || rows === undefined)
      throw new ContentsFault('its tables are not those that its head announces');
    left = rows;
    yield { section, rows: [] };
  }
  if (!isEnded) throw new ContentsFault('its end is missing');
  if (announced.length > 0) throw new ContentsFault('tables that its head announces are missing');
}

function readSection(line: string): Section {
  const section = sectionSchema.safeParse(parsed(line));
  if (!section.success) throw new ContentsFault('a line of it is neither a table nor a row');
  return section.data;
}

function refuseOddRow(line: string, { table, columns }: Section): void {
  const row = parsed(line);
  const fits =
    Array.isArray(row) &&
    row.length === columns.length &&
    row.every((value) => value === null || typeof value === 'string');
  if (!fits) throw new ContentsFault(`a row of ${table} is not one text for each of its columns`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const lineFeed = 10;

async function* splitLines(parts: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const part of parts) {
    let from = 0;
    for (let end = part.indexOf(lineFeed); end >= 0; end = part.indexOf(lineFeed, from)) {
      yield Buffer.concat([...waiting, part.subarray(from, end)]).toString('utf8');
      [waiting, waitingBytes, from] = [[], 0, end + 1];
    }
    waiting.push(part.subarray(from));
    waitingBytes += part.length - from;
    if (waitingBytes > longestLineBytes) throw new ContentsFault('a line of it is too long');
  }
  if (waitingBytes > 0) throw new ContentsFault('its end is missing');
}
