/**
 * The proof that a request costs no database query: Keyward counts every statement that it sends, and
 * they are about as many as its clocks alone account for, however many requests it answered meanwhile.
 */
import { heartbeatMs } from '../src/keys/instances.ts';
import { keywardPollMs, type Target } from './targets.ts';

/** A look at the revision is one statement; a sign of life is a write and a clean-up, and as often two looks at the audit trail and one at its key. */
const statementsPerPoll = 1;
const statementsPerHeartbeat = 5;
/** The usage of requests is written about each second, 500 of them in a transaction: begin, prices, rows, days, hours, end. */
const usagePauseMs = 1_000;
const requestsPerUsageWrite = 500;
const statementsPerUsageWrite = 6;
/** The clocks of rotations, health and alerts send some more, by what is due: none for every hundredth request. */
const requestsPerExtraStatement = 100;

export interface StatementCount {
  readonly requests: number;
  /** All that Keyward sent to the database meanwhile. */
  readonly statements: number;
  /** What looking for changes, giving signs of life and writing the usage take in that time. */
  readonly background: number;
  /** What neither that nor the other clocks account for. */
  readonly onHotPath: number;
}

/** Begins to count; the returned function ends it. */
export async function countStatements(
  keyward: Target,
): Promise<(requests: number) => Promise<StatementCount>> {
  const startedAt = performance.now();
  const before = await statementsSent(keyward);
  return async (requests) => {
    const statements = (await statementsSent(keyward)) - before;
    const elapsedMs = performance.now() - startedAt;
    const background =
      statementsPerPoll * Math.ceil(elapsedMs / keywardPollMs) +
      statementsPerHeartbeat * Math.ceil(elapsedMs / heartbeatMs) +
      statementsPerUsageWrite *
        (Math.ceil(elapsedMs / usagePauseMs) + Math.ceil(requests / requestsPerUsageWrite));
    const others = Math.floor(requests / requestsPerExtraStatement);
    return { requests, statements, background, onHotPath: Math.max(0, statements - background - others) };
  };
}

async function statementsSent(keyward: Target): Promise<number> {
  const answer = await fetch(new URL('/metrics', keyward.url));
  const sent = /^keyward_database_queries_total (\d+)$/m.exec(await answer.text())?.[1];
  if (sent === undefined) throw new Error('Keyward does not tell its metric keyward_database_queries_total.');
  return Number(sent);
}
