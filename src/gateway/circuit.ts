/**
 * Leaves alone, for a while, what has failed several times in a row: a host that does not answer, a key that its
 * provider refuses. When the time is up one call is let through to look, half open; the others wait for what it finds.
 */
import type { Clock } from '../foundation/clock.ts';

export interface CircuitRule {
  /** Failures in a row that open it, */
  readonly failures: number;
  /** where the first of them is as long ago: a moment in which many connections break is no outage. */
  readonly overMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

interface State {
  failures: number;
  readonly sinceMs: number;
  pauseMs: number;
  /** In monotonic milliseconds; 0 while it is closed. */
  openUntilMs: number;
  /** A call has gone to look and has not come back. */
  looking: boolean;
}

/** By a name of the caller's choice. What works leaves no trace, so the maps hold failing names only. */
export class Circuits {
  readonly #states = new Map<string, State>();
  readonly #proven = new Set<string>();
  readonly #rule: CircuitRule;
  readonly #clock: Pick<Clock, 'monotonicMs'>;

  constructor(rule: CircuitRule, clock: Pick<Clock, 'monotonicMs'>) {
    this.#rule = rule;
    this.#clock = clock;
  }

  /**
   * Asked before a call; whoever is let through says afterwards what came of it.
   * @returns null: go; else the milliseconds until somebody may look
   */
  mayNotBefore(name: string): number | null {
    const state = this.#states.get(name);
    if (state === undefined || state.openUntilMs === 0) return null;
    const leftMs = state.openUntilMs - this.#clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    if (state.looking) return this.#rule.firstPauseMs;
    state.looking = true;
    return null;
  }

  worked(name: string): void {
    this.#states.delete(name);
  }

  failed(name: string): void {
    const nowMs = this.#clock.monotonicMs();
    const state = this.#states.get(name) ?? this.#closed();
    this.#states.set(name, state);
    state.failures += 1;
    const isOneMore = state.failures < this.#rule.failures || nowMs - state.sinceMs < this.#rule.overMs;
    if (isOneMore && state.openUntilMs === 0) return;
    if (state.looking) state.pauseMs = Math.min(state.pauseMs * 2, this.#rule.longestPauseMs);
    state.looking = false;
    state.openUntilMs = nowMs + state.pauseMs;
  }

  /**
   * What somebody else has proven opens it at once, when it is new, and closes it when it is taken back.
   * @param isBroken as it is known by now
   */
  learn(name: string, isBroken: boolean): void {
    if (!isBroken) {
      if (this.#proven.delete(name)) this.#states.delete(name);
      return;
    }
    if (this.#proven.has(name)) return;
    this.#proven.add(name);
    const state = this.#states.get(name) ?? this.#closed();
    this.#states.set(name, state);
    if (state.openUntilMs === 0) state.openUntilMs = this.#clock.monotonicMs() + state.pauseMs;
  }

  /** A call that came to nothing that says anything, such as one whose caller left: the next may look. */
  saidNothing(name: string): void {
    const state = this.#states.get(name);
    if (state !== undefined) state.looking = false;
  }

  isOpen(name: string): boolean {
    return (this.#states.get(name)?.openUntilMs ?? 0) > 0;
  }

  #closed(): State {
    const { firstPauseMs } = this.#rule;
    const sinceMs = this.#clock.monotonicMs();
    return { failures: 0, sinceMs, pauseMs: firstPauseMs, openUntilMs: 0, looking: false };
  }
}
