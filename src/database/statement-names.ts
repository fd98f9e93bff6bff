/**
 * Keeps the named prepared statements of connections apart that share one session: drivers choose the
 * same names (`S_1`, `__asyncpg_stmt_1__`), so each connection's names get a prefix of its own.
 * Source: PostgreSQL documentation, "Frontend/Backend Protocol", messages Parse, Bind, Describe, Close.
 */
import { hash } from 'node:crypto';
import { frame } from './wire-frames.ts';

const headBytes = 5;
const statementKind = 'S'.charCodeAt(0);
/** The engine tells names apart by their first 63 bytes; the prefix needs some of them. */
const longestName = 40;

/**
 * The message as the engine is to get it; one that names no statement stays as it is.
 * @param prefix of no other connection to the same session
 */
export function renameStatement(prefix: string, type: string, bytes: Buffer): Buffer {
  const start = nameOffset(type, bytes);
  if (start === undefined) return bytes;
  const end = bytes.indexOf(0, start);
  // The statement without a name lives for one exchange, so it needs none.
  if (end <= start) return bytes;
  const name = bytes.subarray(start, end);
  const own = name.length <= longestName ? name : Buffer.from(hash('sha256', name).slice(0, longestName));
  const parts = [bytes.subarray(headBytes, start), Buffer.from(prefix), own, bytes.subarray(end)];
  return frame(type, Buffer.concat(parts));
}

/** Where the name of a statement begins, for the messages that have one. */
function nameOffset(type: string, bytes: Buffer): number | undefined {
  if (type === 'P') return headBytes;
  // Bind names the portal first.
  if (type === 'B') return bytes.indexOf(0, headBytes) + 1;
  if (type === 'D' || type === 'C') return bytes[headBytes] === statementKind ? headBytes + 1 : undefined;
  return undefined;
}

/** SQL that forgets what a connection has prepared, and what anybody has by PREPARE: that bears no prefix. */
export function forgetStatements(prefix: string): string {
  return `DO $$ DECLARE statement TEXT; BEGIN
    FOR statement IN SELECT name FROM pg_prepared_statements WHERE from_sql OR starts_with(name, '${prefix}') LOOP
      EXECUTE format('DEALLOCATE %I', statement);
    END LOOP; END $$`;
}
