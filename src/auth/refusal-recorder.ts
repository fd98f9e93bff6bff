/**
 * Records every refusal in the audit trail, and no more events than an auditor can read: in each minute the
 * first few of an address stand for themselves, the others are one event with their number. A refusal stands
 * whether or not it can be recorded.
 */
import type { Actor, AuditEntry, Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Clock } from '../foundation/clock.ts';
import type { ErrorCode } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';

export interface Refusal {
  readonly actor: Actor;
  readonly requestId: string;
  /** Method and pattern of the route, for example `POST /api/v1/admin/tokens`. */
  readonly route: string;
  readonly status: number;
  /** Why: the code that the caller was told. */
  readonly code: ErrorCode;
}

export interface RefusalParts {
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Logger;
}

const windowMs = 60_000;
/** Events of their own, in a window: of one address, or of one who was recognised there, and of all. */
const singlesOfSource = 5;
const singlesOfAll = 100;
/** Sources with an event of their own for what was only counted. */
const summaries = 100;
const rememberedSources = 10_000;
/** While the database is away, what waits to be written does not grow without end. */
const longestQueue = 1_000;
const notRecorded = 'a refusal could not be recorded in the audit trail';
/** Stands for the addresses that there was no room for. */
const others = 'other addresses';

interface Counted {
  readonly actor: Actor;
  singles: number;
  readonly counts: Map<ErrorCode, number>;
}

export class RefusalRecorder {
  readonly #parts: RefusalParts;
  readonly #timer: NodeJS.Timeout;
  /** Settles when everything so far is written, or was not. */
  #written: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** By address, and by who it was where that is known. */
  #sources = new Map<string, Counted>();
  #singles = 0;
  #windowStartMs: number;

  constructor(parts: RefusalParts) {
    this.#parts = parts;
    this.#windowStartMs = parts.clock.monotonicMs();
    this.#timer = setInterval(() => this.#turn(), windowMs);
    this.#timer.unref();
  }

  /** Does not wait for the trail, and never throws. */
  record(refusal: Refusal): void {
    this.#turn();
    const counted = this.#counted(refusal.actor);
    if (counted.singles < singlesOfSource && this.#singles < singlesOfAll) {
      counted.singles += 1;
      this.#singles += 1;
      this.#write(
        { actor: refusal.actor, requestId: refusal.requestId, reason: refusal.code },
        {
          action: 'access.refused',
          target: { kind: 'route', id: refusal.route },
          outcome: 'refused',
          after: { status: refusal.status, code: refusal.code },
        },
      );
    } else {
      counted.counts.set(refusal.code, (counted.counts.get(refusal.code) ?? 0) + 1);
    }
  }

  /** Records what was only counted so far, and waits until all of it is written, or was not. */
  async flush(): Promise<void> {
    this.#summarise();
    await this.#written;
  }

  /** After this nothing is written by itself. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #counted(actor: Actor): Counted {
    const source =
      actor.id === null ? (actor.address ?? others) : `${actor.address} ${actor.kind} ${actor.id}`;
    const hasRoom = this.#sources.has(source) || this.#sources.size < rememberedSources;
    const key = hasRoom ? source : others;
    const known = this.#sources.get(key) ?? {
      actor: key === others ? anonymous : actor,
      singles: 0,
      counts: new Map<ErrorCode, number>(),
    };
    this.#sources.set(key, known);
    return known;
  }

  #turn(): void {
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#windowStartMs < windowMs) return;
    this.#summarise();
    this.#windowStartMs = now;
    this.#singles = 0;
    this.#sources = new Map();
  }

  #summarise(): void {
    const counted = Array.from(this.#sources.values(), ({ actor, counts }) => ({
      actor,
      counts: new Map(counts),
    })).filter(({ counts }) => counts.size > 0);
    for (const { counts } of this.#sources.values()) counts.clear();
    const named = counted
      .filter(({ actor }) => actor.address !== null)
      .toSorted((a, b) => total(b.counts) - total(a.counts));
    const rest = [...named.splice(summaries), ...counted.filter(({ actor }) => actor.address === null)];
    for (const { actor, counts } of named) this.#writeCount(actor, counts);
    if (rest.length > 0) this.#writeCount(anonymous, sum(rest.map(({ counts }) => counts)));
  }

  #writeCount(actor: Actor, counts: ReadonlyMap<ErrorCode, number>): void {
    this.#write(
      // Of many requests each may have named another program.
      { actor: { ...actor, userAgent: null }, reason: 'further refusals' },
      {
        action: 'access.refused',
        target: { kind: 'address', id: actor.address ?? others },
        outcome: 'refused',
        after: { count: total(counts), codes: Object.fromEntries(counts) },
      },
    );
  }

  #write(occasion: Occasion, entry: AuditEntry): void {
    if (this.#waiting >= longestQueue) {
      this.#parts.log.warn({ target: entry.target, address: occasion.actor.address }, notRecorded);
      return;
    }
    this.#waiting += 1;
    this.#written = this.#writeAfter(this.#written, occasion, entry);
  }

  /** One after the other: a flood takes one connection of the pool, not all. */
  async #writeAfter(before: Promise<void>, occasion: Occasion, entry: AuditEntry): Promise<void> {
    await before;
    try {
      await this.#parts.audit.record(occasion, entry);
    } catch (error) {
      const { address } = occasion.actor;
      this.#parts.log.warn({ err: error, target: entry.target, address }, notRecorded);
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Somebody who was not recognised. */
export const anonymous: Actor = {
  kind: 'anonymous',
  id: null,
  name: 'anonymous',
  role: null,
  address: null,
  userAgent: null,
};

function total(counts: ReadonlyMap<ErrorCode, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function sum(all: readonly ReadonlyMap<ErrorCode, number>[]): Map<ErrorCode, number> {
  const counts = new Map<ErrorCode, number>();
  for (const [code, count] of all.flatMap((one) => [...one]))
    counts.set(code, (counts.get(code) ?? 0) + count);
  return counts;
}
