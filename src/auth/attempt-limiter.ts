/**
 * Slows down whoever guesses at tokens, by address and by the beginning of what is presented. It remembers
 * a bounded number of each, for this instance alone, and only what failed counts.
 */
import { isIP } from 'node:net';
import type { Clock } from '../foundation/clock.ts';

/** This many failures of an address within the window are let pass. */
const addressAllowance = 10;
/** This many failures with one beginning, from whatever addresses, are taken for a search. */
const beginningAllowance = 30;
const windowMs = 60_000;
/** The first pause; each further one is twice as long. */
const firstPauseMs = 30_000;
const longestPauseMs = 15 * 60_000;
/** After this long without a failure an address begins anew. */
const forgetMs = 30 * 60_000;
const remembered = 10_000;

interface Failures {
  /** When the window began, and the failures in it. */
  windowStartMs: number;
  failures: number;
  lastFailureMs: number;
  pauses: number;
  pausedUntilMs: number;
}

export class AttemptLimiter {
  readonly #clock: Clock;
  readonly #addresses = new Map<string, Failures>();
  readonly #beginnings = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * How long this address has to wait before an attempt with this beginning counts for anything, in
   * milliseconds; 0 when it need not. While many addresses try one beginning, each has one failure.
   */
  pauseMs(address: string, beginning: string): number {
    const now = this.#clock.monotonicMs();
    const from = this.#addresses.get(networkOf(address));
    const searched = this.#beginnings.get(beginning);
    const untilMs = Math.max(
      from?.pausedUntilMs ?? 0,
      from !== undefined && now - from.lastFailureMs < windowMs ? (searched?.pausedUntilMs ?? 0) : 0,
    );
    return Math.max(0, untilMs - now);
  }

  /** An attempt failed that was not paused. */
  failed(address: string, beginning: string): void {
    const now = this.#clock.monotonicMs();
    count(recall(this.#addresses, networkOf(address), now), addressAllowance, now);
    count(recall(this.#beginnings, beginning, now), beginningAllowance, now);
  }

  /** How many addresses and beginnings are remembered. */
  get size(): number {
    return this.#addresses.size + this.#beginnings.size;
  }
}

/** Takes the record to the end of the map, so that the one at its beginning is the one to forget. */
function recall(records: Map<string, Failures>, key: string, now: number): Failures {
  const known = records.get(key);
  records.delete(key);
  const record =
    known === undefined || now - known.lastFailureMs >= forgetMs
      ? { windowStartMs: now, failures: 0, lastFailureMs: now, pauses: 0, pausedUntilMs: 0 }
      : known;
  records.set(key, record);
  if (records.size > remembered) {
    const [oldest = key] = records.keys();
    records.delete(oldest);
  }
  return record;
}

function count(record: Failures, allowance: number, now: number): void {
  if (now - record.windowStartMs >= windowMs) {
    record.windowStartMs = now;
    record.failures = 0;
  }
  record.failures += 1;
  record.lastFailureMs = now;
  // Who was paused before has used up the allowance: the next failure is the next pause.
  if (record.pauses === 0 && record.failures < allowance) return;
  record.pausedUntilMs = now + Math.min(firstPauseMs * 2 ** record.pauses, longestPauseMs);
  record.pauses += 1;
}

/** Whoever has one IPv6 address has the 2^64 beside it. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const missing = address.includes('::') ? 8 - groups.length - tail.split(':').filter(Boolean).length : 0;
  return [...groups, ...Array<string>(missing).fill('0'), ...tail.split(':')].slice(0, 4).join(':');
}
