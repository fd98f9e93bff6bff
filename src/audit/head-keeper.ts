/**
 * Notes the head of the trail at its anchor when it has moved, and looks at each turn whether the head that
 * was noted last is still where it was: a trail that was cut is told at once, not at the next audit. A head
 * that does not fit the audit key is never noted: an anchor would vouch for a forged event.
 */
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Anchor } from './anchor.ts';
import { readHead, type Head } from './append-events.ts';
import { openAuditKey, readAuditKeyToken } from './audit-key.ts';
import { chainHash } from './chain.ts';
import { readFirstSequence } from './read-chain.ts';

export interface HeadKeeperParts {
  readonly db: Kysely<Tables>;
  readonly anchor: Anchor;
  readonly clock: Clock;
  /** Opens the audit key, by which a head is checked. */
  readonly ring: KeyRing;
  /** Told, once for each, of a head that does not fit the audit key. */
  readonly onForged: (found: Head, message: string) => void;
  /** Told when the head that was noted last is not where it was. */
  readonly onCut: (heads: { readonly noted: Head; readonly found: Head | null }, message: string) => void;
}

export class HeadKeeper {
  readonly #parts: HeadKeeperParts;
  #noted: Head | undefined;
  #isRead = false;
  /** The head that was told to be forged. */
  #forged: Head | undefined;

  constructor(parts: HeadKeeperParts) {
    this.#parts = parts;
  }

  /** @throws when the database does not answer or the anchor takes nothing */
  async noteHead(signal?: AbortSignal): Promise<void> {
    const { db, anchor, clock, ring, onCut } = this.#parts;
    if (!this.#isRead) this.#noted = await anchor.last();
    this.#isRead = true;
    const head = await readHead(db);
    if (isSameHead(head, this.#noted)) return;
    if (head !== undefined && !(await isGenuine(db, ring, head))) return this.#tellForged(head);
    const noted = this.#noted;
    if (noted !== undefined && (await isCut(db, head, noted))) {
      onCut(
        { noted, found: head ?? null },
        `the audit trail was cut off or rewritten: event ${noted.sequence} is not what was noted of it. See: keyward audit verify`,
      );
    }
    if (head !== undefined) await anchor.note({ ...head, at: clock.now().toISOString() }, signal);
    this.#noted = head;
  }

  #tellForged(head: Head): void {
    if (isSameHead(head, this.#forged)) return;
    this.#forged = head;
    this.#parts.onForged(
      head,
      `the newest event of the audit trail, ${head.sequence}, was not written by Keyward: its hash does not fit the audit key, and it is not anchored. Run: keyward audit verify`,
    );
  }
}

function isSameHead(one: Head | undefined, other: Head | undefined): boolean {
  return one?.sequence === other?.sequence && one?.hash === other?.hash;
}

/**
 * Only the head itself: what lies before it is for the verifier, and a forged event there must not keep
 * those that Keyward writes after it from being anchored.
 */
async function isGenuine(db: Kysely<Tables>, ring: KeyRing, { sequence, hash }: Head): Promise<boolean> {
  const row = await db
    .selectFrom('keyward_audit_events')
    .select(['event', 'previous_hash', 'hash'])
    .where('sequence', '=', String(sequence))
    .executeTakeFirst();
  const token = await readAuditKeyToken(db);
  if (token === undefined)
    throw new Error('the key of the audit trail is gone from keyward_audit_chain: see docs/audit.md');
  if (row === undefined || row.hash !== hash) return false;
  // A genuine event at another place keeps its hash, but not its number.
  const fits = chainHash(openAuditKey(token, ring), row.previous_hash, row.event) === hash;
  return fits && (JSON.parse(row.event) as { sequence?: unknown }).sequence === sequence;
}

async function isCut(db: Kysely<Tables>, head: Head | undefined, noted: Head): Promise<boolean> {
  if (head === undefined || head.sequence <= noted.sequence) return true;
  const row = await db
    .selectFrom('keyward_audit_events')
    .select('hash')
    .where('sequence', '=', String(noted.sequence))
    .executeTakeFirst();
  if (row !== undefined) return row.hash !== noted.hash;
  // It went by a retention, which is for the verifier to prove.
  return Number(await readFirstSequence(db)) <= noted.sequence;
}
