/**
 * What users do with keys of their own: list, set, remove and test them. A key is looked at and asked for at its
 * provider before it is stored, encrypted under the ring, and each act is on record with the token that it came with.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { encryptMarked } from '../crypto/encryption-mark.ts';
import { maskKey } from '../crypto/fingerprint.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { isProof } from '../providers/verdict.ts';
import { askProvider } from './ask-provider.ts';
import { serveHere } from './explain-key.ts';
import { refuseForeignRing } from './foreign-ring.ts';
import { occasionWithout, type KeyActParts } from './key-acts.ts';
import { findProvider, type ListedProvider } from './list-providers.ts';
import { readProviders } from './provider-store.ts';
import { checkKey } from './set-key.ts';
import { readStoredKey } from './stored-key.ts';
import type { KeyTestResult } from './test-key.ts';
import {
  deleteUserKey,
  listUserKeys,
  noteValidation,
  putUserKey,
  userKeyTarget,
  type ListedUserKey,
} from './user-key-store.ts';

export interface UserKeyDeskParts extends KeyActParts {
  /** Throws what refuses one more test. */
  readonly admitTest: (subject: string) => Promise<void>;
  /** Has this instance serve what was written. */
  readonly onChanged: () => Promise<void>;
}

export interface Asker {
  readonly owner: string;
  readonly occasion: Occasion;
  /** Aborted when the caller leaves. */
  readonly signal: AbortSignal;
}

export interface OfferedUserKey {
  readonly slug: string;
  readonly key: Secret;
  readonly name: string | null;
}

export interface UserKeyTested {
  readonly mask: string;
  readonly fingerprint: string;
  readonly warnings: readonly string[];
  readonly test: KeyTestResult;
}

export class UserKeyDesk {
  readonly #parts: UserKeyDeskParts;

  constructor(parts: UserKeyDeskParts) {
    this.#parts = parts;
  }

  async list(owner: string): Promise<ListedUserKey[]> {
    return listUserKeys(this.#parts.database.kysely, owner);
  }

  /**
   * @throws KeywardError provider_not_found (404), byok_not_supported, key_refused (400), encryption_key_foreign (409),
   *   key_proven_dead (422), key_tests_limited (429), and what askProvider throws; then nothing
   *   was stored
   */
  async set(asker: Asker, { slug, key, name }: OfferedUserKey): Promise<UserKeyTested> {
    const { changes, database } = this.#parts;
    const row = await this.#provider(slug);
    if (row.is_active !== true || row.is_byok_supported !== true)
      throw new KeywardError('byok_not_supported', {
        message: `The provider "${slug}" takes no keys of users. Nothing was changed.`,
        param: 'provider',
      });
    const warnings = await checkKey(this.#parts, slug, key);
    await refuseForeignRing(database, changes.ring);
    const test = await this.#ask(asker, row, key);
    if (test.unfit || (isProof(test.verdict) && test.verdict !== 'valid'))
      throw new KeywardError(test.unfit ? 'key_refused' : 'key_proven_dead', {
        message: `${test.unfit ? '' : `The key is ${test.verdict}: `}${test.message} Nothing was changed. ${test.advice}`,
        param: 'api_key',
      });
    const occasion = occasionWithout(key, asker.occasion);
    const fingerprint = changes.fingerprinter.of(key);
    const mask = maskKey(key);
    const { token, mark } = encryptMarked(changes.ring, key);
    await changes.audit.change(occasion, async (tx, record) => {
      const stored = { owner: asker.owner, providerId: row.id, name, token, mark, mask };
      const replaced = await putUserKey(
        tx,
        { ...stored, address: occasion.actor.address },
        validationOf(test),
      );
      record({
        action: 'user_key.set',
        target: userKeyTarget(asker.owner, slug),
        after: { fingerprint, mask, key_name: name, verdict: test.verdict, replaced },
      });
    });
    await this.#parts.onChanged();
    return { mask, fingerprint, warnings, test };
  }

  /** @throws KeywardError provider_not_found, user_key_not_found (404) */
  async remove({ owner, occasion }: Asker, slug: string): Promise<void> {
    const { id } = await this.#provider(slug);
    await this.#parts.changes.audit.change(occasion, async (tx, record) => {
      if (!(await deleteUserKey(tx, owner, id))) throw notFound(slug);
      record({ action: 'user_key.removed', target: userKeyTarget(owner, slug) });
    });
    await this.#parts.onChanged();
  }

  /** @throws KeywardError provider_not_found, user_key_not_found (404), and those of a test */
  async test(asker: Asker, slug: string): Promise<UserKeyTested> {
    const { changes } = this.#parts;
    const row = await this.#provider(slug);
    const stored = (await this.list(asker.owner)).find((one) => one.slug === slug);
    if (stored === undefined) throw notFound(slug);
    const read = readStoredKey(stored.storedToken, changes.ring, changes.fingerprinter);
    if ('problem' in read)
      throw new KeywardError('user_key_unusable', {
        message: `Your key for the provider "${slug}" cannot be read here: ${read.problem}. Enter it again.`,
      });
    const { key } = read;
    const test = await this.#ask(asker, row, key);
    const fingerprint = changes.fingerprinter.of(key);
    await changes.audit.change(asker.occasion, async (tx, record) => {
      await noteValidation(tx, stored.storedToken, validationOf(test));
      record({
        action: 'user_key.tested',
        target: userKeyTarget(asker.owner, slug),
        after: { fingerprint, verdict: test.verdict },
      });
    });
    return { mask: maskKey(key), fingerprint, warnings: [], test };
  }

  async #ask({ owner, signal }: Asker, row: ListedProvider, key: Secret): Promise<KeyTestResult> {
    const { clock, admitTest } = this.#parts;
    const admit = async (): Promise<void> =>
      admitTest(`user ${owner}`).catch((error: unknown) => {
        if (!(error instanceof KeywardError) || error.code !== 'key_tests_limited') throw error;
        throw new KeywardError('key_tests_limited', {
          message: 'You may have 10 keys tested a minute. Nothing was changed.',
          retryAfterSeconds: error.retryAfterSeconds ?? 60,
        });
      });
    return askProvider(serveHere(row, this.#parts), key, { clock, signal, admit });
  }

  async #provider(slug: string): Promise<ListedProvider> {
    const { kysely } = this.#parts.database;
    const row = await findProvider(kysely, slug);
    if (row !== undefined) return row;
    const known = (await readProviders(kysely)).map(({ provider_slug }) => provider_slug);
    throw new KeywardError('provider_not_found', {
      message: `There is no provider of that slug. Known here: ${known.join(', ')}.`,
      param: 'provider',
    });
  }
}

function notFound(slug: string): KeywardError {
  return new KeywardError('user_key_not_found', {
    message: `You have no key for the provider "${slug}" here.`,
    param: 'provider',
  });
}

function validationOf({ verdict, message, testedAt }: KeyTestResult) {
  const isValid = verdict === 'valid';
  return { isValid, problem: isValid ? null : message, at: testedAt };
}
