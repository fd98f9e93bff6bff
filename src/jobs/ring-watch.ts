/**
 * Takes over an encryption key ring that changed where it stands, while the server serves. A ring that is
 * faulty, or that lacks a key which something stored still needs, is not taken: the one at work stays.
 */
import { RecurringWork, type Job } from '../foundation/recurring-work.ts';
import { toldOnce } from '../audit/told-once.ts';
import type { FoundKeyRing } from '../crypto/find-key-ring.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import { messageOf } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';

const fileMs = 2_000;
const commandMs = 60_000;
const longestWaitMs = 5_000;

export interface RingWatchParts {
  readonly found: FoundKeyRing;
  readonly log: Logger;
  /** @throws UsageError that says why the ring cannot serve here */
  readonly accept: (ring: KeyRing) => Promise<void>;
  /** The ring that everybody holds has the new keys now. */
  readonly onReplaced: () => void;
}

export class RingWatch {
  readonly #looking: RecurringWork | null;
  #fault: string | null = null;

  constructor(parts: RingWatchParts) {
    const { found, log } = parts;
    const { reread, from } = found;
    const what = 'the encryption key ring stays as it was';
    this.#looking =
      reread &&
      new RecurringWork({
        run: async () => this.#look(parts, reread),
        everyMs: found.file === null ? commandMs : fileMs,
        pauseMs: 0,
        longestWaitMs,
        // A UsageError says it all; its stack says nothing to an operator.
        ...toldOnce(log, what, ({ message }) => [{ from }, `${what}: ${message}`]),
      });
  }

  /** Begins to look, and goes on until `stop`; calls again to look now. */
  wake(): void {
    this.#looking?.wake();
  }

  /** The looking; none where the ring cannot change while the server runs. */
  jobs(): readonly Job[] {
    const looking = this.#looking;
    if (looking === null) return [];
    return [{ name: 'the encryption key ring, where it is read from', status: () => looking.status() }];
  }

  /** Why what stands there now was not taken over; null where it is the ring at work. */
  fault(): string | null {
    return this.#fault;
  }

  async #look(parts: RingWatchParts, reread: () => Promise<KeyRing>): Promise<void> {
    try {
      await look(parts, reread);
      this.#fault = null;
    } catch (error) {
      this.#fault = messageOf(error);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#looking?.stop();
  }
}

async function look(
  { found: { ring, from }, accept, onReplaced, log }: RingWatchParts,
  reread: () => Promise<KeyRing>,
): Promise<void> {
  const next = await reread();
  if (next.keyIds.join() === ring.keyIds.join()) return;
  await accept(next);
  const was = ring.keyIds;
  ring.become(next);
  log.info({ from, was, keys: ring.keyIds }, `the encryption key ring changed: ${ring.activeKeyId} encrypts`);
  onReplaced();
}
