/**
 * A place outside the database where heads of the trail are noted. Whoever cuts events off the end of the
 * trail would have to forge what was noted there as well.
 */
import type { Head } from './append-events.ts';

export interface AnchoredHead extends Head {
  /** When it was noted, UTC, ISO 8601. */
  readonly at: string;
}

export interface Anchor {
  /** @throws when the head could not be noted; the next one, or the same one again, may be */
  note(head: AnchoredHead, signal?: AbortSignal): Promise<void>;
  /** The head that was noted last, where it can be read back. */
  last(): Promise<Head | undefined>;
}
