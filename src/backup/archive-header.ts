/**
 * The head of an archive, in clear: what it is, what is in it, and which encryption keys it takes. It holds no
 * secret. Whoever has the ring proves that not a byte of it was changed; without the ring it is only a claim.
 */
import { z } from 'zod';
import type { AuditEntry } from '../audit/audit-event.ts';
import { UsageError } from '../foundation/errors.ts';

const formatVersion = 1;
const magic = /^keyward archive (\d{1,6})$/;
/** Far more than any header of ours: a file that is none is not read to its end in search of a line. */
export const longestHeadBytes = 256 * 1024;

const count = z.int().nonnegative();
const keyId = z.string().regex(/^[0-9a-f]{8}$/);
const name = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/);
const shortText = z.string().max(500);

const headerSchema = z.strictObject({
  /** UTC, ISO 8601. */
  made_at: z.iso.datetime(),
  keyward_version: z.string().regex(/^[0-9A-Za-z.+-]{1,50}$/),
  /** The newest migration of the database that it was made from. */
  schema_version: z.string().regex(/^\d{3}$/),
  /** The encryption key that the archive itself is under. */
  encrypted_under: keyId,
  /** Makes the keys of this archive others than those of every other one; 32 bytes in hex. */
  salt: z.string().regex(/^[0-9a-f]{64}$/),
  /** How many stored tokens each encryption key opens. */
  keys: z.array(z.strictObject({ id: keyId, tokens: count })).max(1_000),
  /** Stored tokens that no key of the ring opened when it was made. */
  unreadable_tokens: count,
  /** Rows by table, in the order in which they lie in it. */
  tables: z.record(name, count),
  /** Tables and columns that were there and are not in it. */
  left_out: z.array(z.strictObject({ name: shortText, why: shortText })).max(1_000),
});

export type ArchiveHeader = z.infer<typeof headerSchema>;

/** The first two lines of an archive. */
export function headText(header: ArchiveHeader): string {
  return `keyward archive ${formatVersion}\n${JSON.stringify(header)}\n`;
}

/**
 * @param lines the first two lines, without their ends
 * @throws UsageError that says why this is no archive that this program can read
 */
export function readHead(path: string, [first = '', second = '']: readonly string[]): ArchiveHeader {
  const [, format] = magic.exec(first) ?? [];
  if (format === undefined) throw new UsageError(`${path} is no archive of Keyward.`);
  if (Number(format) > formatVersion) {
    throw new UsageError(
      `${path} is an archive of format ${format}, and this Keyward reads format ${formatVersion}. Use a newer Keyward.`,
    );
  }
  const header = headerSchema.safeParse(parsed(second));
  if (header.success && Number(format) === formatVersion) return header.data;
  throw new UsageError(`${path} is damaged: its head is not as an archive begins.`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What the audit trail says of an archive; its whole checksum is far longer than what tells one from another. */
export function recordedArchive({
  header,
  checksum,
}: {
  readonly header: ArchiveHeader;
  readonly checksum: string;
}): Required<Pick<AuditEntry, 'target' | 'after'>> {
  const { made_at, schema_version, tables } = header;
  const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
  return {
    target: { kind: 'archive', id: checksum.slice(0, 16) },
    after: { made_at, schema_version, rows, checksum },
  };
}
