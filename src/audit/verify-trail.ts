/**
 * Proves the audit trail, or names the first place where it is not as it was written. Every event is hashed
 * anew under the audit key; heads that were anchored outside the database prove that nothing is missing at
 * the end.
 */
import { sql, type Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { ShownKey } from '../crypto/stored-key.ts';
import type { Tables } from '../database/tables.ts';
import type { Head } from './append-events.ts';
import { openAuditKeyToVerify, readAuditKeyToken } from './audit-key.ts';
import { ChainHasher, chainStart } from './chain.ts';
import { ChainRows } from './chain-rows.ts';
import { compareStoredKeys, type TrailRemark } from './compare-stored-keys.ts';
import { compareStoredTokens } from './compare-stored-tokens.ts';
import { countForeignChanges } from './foreign-changes.ts';
import { explainImpossible, explainStart, locateFault, type Place, type TrailFault } from './locate-fault.ts';
import type { AnchoredHeads } from './read-anchors.ts';
import { readChain, readFirstSequence } from './read-chain.ts';
import { readRetentions, type Retention } from './retention-event.ts';

export interface VerifyParts {
  readonly db: Kysely<Tables>;
  readonly ring: KeyRing;
  /** Heads that were noted outside the database, where there are some. */
  readonly anchors?: AnchoredHeads | undefined;
  /** The keys that are stored now, by slug, to compare with what the trail says of them. */
  readonly storedKeys?: ReadonlyMap<string, ShownKey> | undefined;
  /** How many events one statement reads. */
  readonly batchSize?: number;
  /** Told how far it has come: the sequence that was reached. */
  readonly onProgress?: (sequence: number) => void;
  /** Ends the look between two batches. */
  readonly signal?: AbortSignal;
}

export interface TrailReport {
  readonly whole: boolean;
  /** null where the trail is whole. */
  readonly fault: TrailFault | null;
  /** How many events were proven: all, or those before the fault. */
  readonly events: number;
  /** The sequence of the first event; null where there is none. */
  readonly first: number | null;
  /** The last event that was proven; null where there is none. */
  readonly head: Head | null;
  /** The retention that accounts for the events before the first. */
  readonly retention: Retention | null;
  /** null where none were given. */
  readonly anchors: {
    /** How many fit an event. */
    readonly proven: number;
    /** How many are of events that a retention removed. */
    readonly removed: number;
    /** The greatest sequence among them; events after it could be cut off unseen. */
    readonly newest: number;
  } | null;
  /** Foreign changes that are not in the trail yet. */
  readonly waitingForeignChanges: number;
  /** What is worth a look and breaks nothing. */
  readonly remarks: readonly TrailRemark[];
}

/** More would not be quicker, and it is held in memory. */
const defaultBatchSize = 2_000;
/** How often a look begins again because a retention took away what it stood on. */
const mostLooks = 3;

/**
 * Reads the whole trail and proves it.
 * @throws UsageError when the key ring here does not open the audit key; the reason of the signal
 */
export async function verifyAuditTrail(parts: VerifyParts): Promise<TrailReport> {
  const { db, storedKeys, anchors } = parts;
  const walk = await walkChain(parts);
  const anchored = anchors === undefined || anchors.count === 0 ? null : anchors;
  return {
    whole: walk.fault === null,
    fault: walk.fault,
    events: walk.events,
    first: walk.first,
    head: walk.head,
    retention: walk.retention,
    anchors: anchored && {
      proven: walk.anchorsProven,
      removed: walk.first === null ? 0 : anchored.countBefore(walk.first),
      newest: anchored.newest,
    },
    waitingForeignChanges: await countForeignChanges(db),
    remarks: [
      ...(storedKeys === undefined ? [] : await compareStoredKeys(db, storedKeys)),
      ...(walk.first === null ? [] : await compareStoredTokens(db)),
    ],
  };
}

/** What is known of the chain as far as it was walked. */
interface Walk {
  readonly fault: TrailFault | null;
  readonly events: number;
  readonly first: number | null;
  readonly head: Head | null;
  readonly retention: Retention | null;
  readonly anchorsProven: number;
}

const nothingWalked: Walk = {
  fault: null,
  events: 0,
  first: null,
  head: null,
  retention: null,
  anchorsProven: 0,
};

async function walkChain(parts: VerifyParts): Promise<Walk> {
  for (let look = 1; look <= mostLooks; look += 1) {
    const first = await readFirstSequence(parts.db);
    const walk = await walkFrom(first, parts);
    if (walk !== undefined && (walk.fault === null || first === (await readFirstSequence(parts.db))))
      return walk;
  }
  throw new Error('the audit trail changed under the verification again and again');
}

/** @returns undefined when something did not fit, and does when looked at again */
async function walkFrom(first: string | undefined, parts: VerifyParts): Promise<Walk | undefined> {
  const { db, ring, anchors } = parts;
  if (first === undefined) return { ...nothingWalked, fault: missingEnd(0, anchors) ?? (await emptied(db)) };
  const token = await readAuditKeyToken(db);
  if (token === undefined) return { ...nothingWalked, fault: keyIsGone(first) };
  const start = await findStart(db, first);
  if ('fault' in start) return { ...nothingWalked, fault: start.fault };
  const hasher = new ChainHasher(openAuditKeyToVerify(token, ring));
  const walker = new ChainWalker(start.place, hasher, anchors);
  const batches = readChain(db, start.place.expected - 1, parts.batchSize ?? defaultBatchSize);
  for await (const { bytes, through } of batches) {
    parts.signal?.throwIfAborted();
    const stopped = walker.take(new ChainRows(bytes));
    parts.onProgress?.(walker.place.expected - 1);
    if (stopped === 'misfit') {
      const fault = await locateFault(db, hasher, walker.place);
      return fault && { ...walker.walked(start.retention), fault };
    }
    if (stopped === 'not as anchored')
      return { ...walker.walked(start.retention), fault: cutAndGrownAgain(walker) };
    if (walker.place.expected <= through) break;
  }
  return { ...walker.walked(start.retention), fault: missingEnd(walker.place.expected - 1, anchors) };
}

/** Where the chain begins, and what accounts for what is not there. */
async function findStart(
  db: Kysely<Tables>,
  first: string,
): Promise<{ readonly place: Place; readonly retention: Retention | null } | { readonly fault: TrailFault }> {
  const expected = Number(first);
  if (expected < 1) return { fault: explainImpossible(first) };
  if (expected === 1) return { place: { expected, previousHash: chainStart }, retention: null };
  const retentions = await readRetentions(db);
  const retention = retentions.find(({ removedThrough }) => removedThrough === expected - 1);
  if (retention !== undefined) return { place: { expected, previousHash: retention.hash }, retention };
  const through = retentions.map(({ removedThrough }) => removedThrough).filter((one) => one < expected);
  return { fault: await explainStart(db, first, Math.max(0, ...through)) };
}

/** Goes along the rows, and stops before the first that does not fit. */
class ChainWalker {
  readonly #first: number;
  readonly #hasher: ChainHasher;
  readonly #anchors: AnchoredHeads | undefined;
  #expected: number;
  #previousHash: string;
  #anchorsProven = 0;
  #lastAnchor = 0;

  constructor({ expected, previousHash }: Place, hasher: ChainHasher, anchors: AnchoredHeads | undefined) {
    this.#first = expected;
    this.#expected = expected;
    this.#previousHash = previousHash;
    this.#hasher = hasher;
    this.#anchors = anchors;
  }

  /** What comes next. */
  get place(): Place {
    return { expected: this.#expected, previousHash: this.#previousHash };
  }

  /** The last event that fits an anchor; 0 where none does. */
  get lastAnchor(): number {
    return this.#lastAnchor;
  }

  take(rows: ChainRows): 'misfit' | 'not as anchored' | undefined {
    while (!rows.isAtEnd) {
      const hash = rows.prove(this.#hasher, this.#expected, this.#previousHash);
      if (hash === undefined) return 'misfit';
      const anchored = this.#anchors?.get(this.#expected);
      if (anchored !== undefined) {
        if (anchored !== hash) return 'not as anchored';
        this.#anchorsProven += 1;
        this.#lastAnchor = this.#expected;
      }
      this.#previousHash = hash;
      this.#expected += 1;
    }
    return undefined;
  }

  walked(retention: Retention | null): Omit<Walk, 'fault'> {
    const events = this.#expected - this.#first;
    return {
      events,
      first: this.#first,
      head: events === 0 ? null : { sequence: this.#expected - 1, hash: this.#previousHash },
      retention,
      anchorsProven: this.#anchorsProven,
    };
  }
}

function missingEnd(last: number, anchors: AnchoredHeads | undefined): TrailFault | null {
  const newest = anchors?.newest ?? 0;
  if (newest <= last) return null;
  return {
    kind: 'truncated_end',
    sequence: last + 1,
    message: `Event ${newest} was anchored, and the trail ends with ${last === 0 ? 'nothing' : `event ${last}`}: events ${last + 1} to ${newest} at least were cut off.`,
  };
}

/** The making of every token is recorded, so a trail without events cannot be older than one. */
async function emptied(db: Kysely<Tables>): Promise<TrailFault | null> {
  const { rows } = await sql<{ tokens: number }>`
    SELECT count(*)::int AS tokens FROM keyward_tokens
     WHERE created_at > (SELECT applied_at FROM keyward_migrations WHERE version = '006')`.execute(db);
  const tokens = rows[0]?.tokens ?? 0;
  if (tokens === 0) return null;
  return {
    kind: 'truncated_end',
    sequence: 1,
    message: `There is no event, though ${tokens === 1 ? 'a token was' : `${tokens} tokens were`} made since events are recorded, and each making is one: the trail was emptied.`,
  };
}

function cutAndGrownAgain({ place: { expected }, lastAnchor }: ChainWalker): TrailFault {
  const since = lastAnchor === 0 ? '' : ` after event ${lastAnchor}, the last that fits an anchor`;
  return {
    kind: 'truncated_end',
    sequence: expected,
    message: `Event ${expected} is not the one that was anchored: the trail was cut off${since}, and has grown again since.`,
  };
}

function keyIsGone(first: string): TrailFault {
  return {
    kind: 'wrong_key',
    sequence: Number(first),
    message: 'Nothing can be proven: the key of the trail is gone from keyward_audit_chain.',
  };
}
