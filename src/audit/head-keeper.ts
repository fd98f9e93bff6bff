/**
 * Notes the head of the trail at its anchor when it has moved, and looks at each turn whether the head that
 * was noted last is still where it was: a trail that was cut is told at once, not at the next audit.
 */
import type { Kysely } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Anchor } from './anchor.ts';
import { readHead, type Head } from './append-events.ts';
import { readFirstSequence } from './read-chain.ts';

export interface HeadKeeperParts {
  readonly db: Kysely<Tables>;
  readonly anchor: Anchor;
  readonly clock: Clock;
  /** Told when the head that was noted last is not where it was. */
  readonly onCut: (heads: { readonly noted: Head; readonly found: Head | null }, message: string) => void;
}

export class HeadKeeper {
  readonly #parts: HeadKeeperParts;
  #noted: Head | undefined;
  #isRead = false;

  constructor(parts: HeadKeeperParts) {
    this.#parts = parts;
  }

  /** @throws when the database does not answer or the anchor takes nothing */
  async noteHead(signal?: AbortSignal): Promise<void> {
    const { db, anchor, clock, onCut } = this.#parts;
    if (!this.#isRead) this.#noted = await anchor.last();
    this.#isRead = true;
    const head = await readHead(db);
    if (head?.sequence === this.#noted?.sequence && head?.hash === this.#noted?.hash) return;
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
