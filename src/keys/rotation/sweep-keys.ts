/**
 * Holds what lives at a provider against the versions: what Keyward made, or was told to retire, and does not
 * serve any more is revoked after a grace period, what is dead there is noted, and all other keys are reported
 * and not touched.
 */
import { sql, type Kysely } from 'kysely';
import type { AuditEntry, Occasion } from '../../audit/audit-event.ts';
import { readRevision } from '../../database/revision.ts';
import type { Tables } from '../../database/tables.ts';
import { messageOf } from '../../foundation/errors.ts';
import type { Secret } from '../../foundation/secret.ts';
import { quotable } from '../../providers/redact.ts';
import { askProvider } from '../ask-provider.ts';
import { serveHere } from '../explain-key.ts';
import { waitUntilApplied } from '../instances.ts';
import type { KeyActParts } from '../key-acts.ts';
import type { ListedProvider } from '../list-providers.ts';
import { readStoredKey } from '../stored-key.ts';
import { listAtProvider, revokeAtProvider, type ManagedKey } from './call-management.ts';
import { describeFoundVersions } from './found-versions.ts';
import { identifyKeys } from './identify-keys.ts';
import { openManagement, type ManagementAccess } from './management-store.ts';
import { databaseNow, type KeyVersion } from './rotation-store.ts';

export interface SweepReport {
  /** Names of the keys that were revoked now. */
  readonly revoked: readonly string[];
  /** Names of those that will be when their grace is over and every server has left them. */
  readonly waiting: readonly string[];
  /** Names of serving keys that the provider does not know. */
  readonly missing: readonly string[];
  /** Names of the keys there that Keyward did not make; they are not touched. */
  readonly unknown: readonly string[];
  /** Names under which a key may live that cannot be found by API. */
  readonly unfindable: readonly string[];
  /** What went wrong, in words. */
  readonly failures: readonly string[];
}

interface SweptVersion extends KeyVersion {
  readonly grace_is_over: boolean;
}

/** How long a sweep waits for servers that are behind. */
const patienceMs = 5_000;
const mostNames = 50;
const longestName = 100;

export interface SweepOptions {
  /** How long a key that serves no more is left alone. */
  readonly graceSeconds: number;
  /** A person asked for it, which is an event of its own even where nothing is found. */
  readonly isAsked?: boolean;
}

/**
 * @returns null where no management credential is stored
 * @throws KeywardError management_unavailable (409), management_failed (502), audit_unavailable (503) before the
 *   key in question was revoked
 */
export async function sweepProvider(
  parts: KeyActParts,
  occasion: Occasion,
  row: ListedProvider,
  { graceSeconds, isAsked = false }: SweepOptions,
): Promise<SweepReport | null> {
  const access = await openManagement(parts, row);
  if (access === null) return null;
  const { kysely } = parts.database;
  const listed = await listAtProvider(access);
  await describeFoundVersions(kysely, parts.changes);
  // After the list: what is made meanwhile is in the ledger, or on no list.
  const showsHints = access.management.list?.hintAt !== undefined;
  let versions = await readSwept(kysely, row.id, { graceSeconds, showsHints });
  if (showsHints) versions = await identifyKeys(parts, occasion, row.provider_slug, versions, listed ?? []);
  const sweep = new Sweep(parts, occasion, row, access);
  for (const version of versions) await sweep.look(version, listed);
  const report = sweep.report(listed, versions);
  await parts.changes.audit.change(occasion, async (tx, record) => {
    await tx
      .updateTable('keyward_management_keys')
      .set({ swept_at: databaseNow, last_sweep: JSON.stringify(report) })
      .where('provider_id', '=', row.id)
      .execute();
    if (!isAsked) return;
    const { revoked, waiting, missing, unfindable, failures } = report;
    record({
      action: 'management.swept',
      target: { kind: 'provider', id: row.provider_slug },
      after: {
        revoked: revoked.length,
        waiting: waiting.length,
        missing: missing.length,
        unknown: report.unknown.length,
        unfindable: unfindable.length,
        failures: failures.length,
      },
    });
  });
  return report;
}

class Sweep {
  readonly #parts: KeyActParts;
  readonly #occasion: Occasion;
  readonly #row: ListedProvider;
  readonly #access: ManagementAccess;
  #hasLeft: Promise<boolean> | undefined;
  readonly #found = {
    revoked: [] as string[],
    waiting: [] as string[],
    missing: [] as string[],
    unfindable: [] as string[],
    failures: [] as string[],
  };

  constructor(parts: KeyActParts, occasion: Occasion, row: ListedProvider, access: ManagementAccess) {
    this.#parts = parts;
    this.#occasion = occasion;
    this.#row = row;
    this.#access = access;
  }

  async look(version: SweptVersion, listed: readonly ManagedKey[] | null): Promise<void> {
    const there = listed?.find(
      (key) => key.state !== 'dead' && (key.name === version.minted_name || key.id === version.minted_id),
    );
    const name = version.minted_name ?? there?.name ?? version.mask ?? '';
    const isOver = version.state === 'retired' || version.state === 'revoked';
    if (!isOver) {
      const hasKey = version.encrypted_api_key !== null;
      if (there !== undefined && hasKey && version.minted_id === null) await this.#adopt(version, there.id);
      const isKnown = version.minted_name !== null || version.minted_id !== null;
      if (there?.state !== 'live' && listed !== null && hasKey && isKnown) this.#found.missing.push(name);
      return;
    }
    if (there === undefined && listed !== null) {
      // An intent that never came to anything may still arrive, until its grace is over.
      if (version.state === 'retired' && (version.minted_id !== null || version.grace_is_over)) {
        if (version.minted_name === null && version.minted_id === null) await this.#noteUnknown(version);
        else await this.#noteRevoked(version);
      }
      return;
    }
    if (version.state === 'revoked' && there === undefined) return;
    if (there === undefined && version.encrypted_api_key === null) {
      this.#found.unfindable.push(name);
      return;
    }
    if (!version.grace_is_over || (await this.#servesAgain(version)) || !(await this.#everyServerHasLeft())) {
      this.#found.waiting.push(name);
      return;
    }
    await this.#revoke(version, name, there?.id ?? version.minted_id);
  }

  report(listed: readonly ManagedKey[] | null, versions: readonly SweptVersion[]): SweepReport {
    const names = new Set(versions.map((version) => version.minted_name));
    const ids = new Set(versions.flatMap((version) => version.minted_id ?? []));
    const unknown = (listed ?? [])
      .filter((key) => key.state === 'live' && !names.has(key.name) && !ids.has(key.id))
      .slice(0, mostNames)
      .map((key) => quotable(key.name, [], longestName));
    return { ...this.#found, unknown };
  }

  /** The provider made it, and the answer told no number. */
  async #adopt(version: SweptVersion, mintedId: string): Promise<void> {
    await this.#parts.changes.audit.change(this.#occasion, async (tx, record) => {
      const { numUpdatedRows } = await tx
        .updateTable('keyward_key_versions')
        .set({ minted_id: mintedId })
        .where('id', '=', version.id)
        .where('minted_id', 'is', null)
        .executeTakeFirst();
      if (numUpdatedRows === 1n) record(this.#event('key.adopted', version, { minted_id: mintedId }));
    });
  }

  async #revoke(version: SweptVersion, name: string, id: string | null): Promise<void> {
    const key = this.#keyOf(version);
    // Nothing brings the key back: what cannot be written down is not begun.
    await this.#parts.changes.audit.record(this.#occasion, this.#event('key.revoking', version));
    try {
      await revokeAtProvider(this.#access, { id, key }).catch(async (error: unknown) => {
        // Where keys cannot be listed, only the key itself can say that it was revoked before.
        if (this.#access.management.list !== undefined || !(await this.#isDead(key))) throw error;
      });
    } catch (error) {
      const remark = messageOf(error).slice(0, 500);
      this.#found.failures.push(`${name}: ${remark}`);
      await this.#noteFailed(version, remark);
      return;
    }
    await this.#noteRevoked(version);
    this.#found.revoked.push(name);
  }

  #event(
    action: 'key.adopted' | 'key.revoking' | 'key.revoked',
    { fingerprint, minted_name: name }: SweptVersion,
    more: Readonly<Record<string, unknown>> = {},
  ): AuditEntry {
    const which = action === 'key.adopted' ? 'adopted_key' : 'revoked_key';
    return {
      action,
      target: { kind: 'provider', id: this.#row.provider_slug },
      after: { [which]: fingerprint, minted_name: name, ...more },
    };
  }

  /** The key lives on, and the next sweep tries again. */
  async #noteFailed(version: SweptVersion, remark: string): Promise<void> {
    await this.#parts.changes.audit.change(this.#occasion, async (tx, record) => {
      await tx.updateTable('keyward_key_versions').set({ remark }).where('id', '=', version.id).execute();
      record({ ...this.#event('key.revoking', version, { remark }), outcome: 'failed' });
    });
  }

  async #noteRevoked(version: SweptVersion): Promise<void> {
    await this.#parts.changes.audit.change(this.#occasion, async (tx, record) => {
      await tx
        .updateTable('keyward_key_versions')
        .set({
          state: 'revoked',
          revoked_at: databaseNow,
          encrypted_api_key: null,
          api_key_binding: null,
          remark: null,
        })
        .where('id', '=', version.id)
        .execute();
      record(this.#event('key.revoked', version));
    });
  }

  /** It was to be revoked, and is none of the keys that the credential can see. */
  async #noteUnknown(version: SweptVersion): Promise<void> {
    const remark = 'It is not among the keys there, or two look like it: see to it by hand.';
    await this.#parts.changes.audit.change(this.#occasion, async (tx, record) => {
      await tx
        .updateTable('keyward_key_versions')
        .set({ encrypted_api_key: null, api_key_binding: null, remark })
        .where('id', '=', version.id)
        .execute();
      record({ ...this.#event('key.revoking', version, { remark }), outcome: 'failed' });
    });
    this.#found.unfindable.push(version.mask ?? version.fingerprint ?? '');
  }

  async #isDead(key: Secret | null): Promise<boolean> {
    if (key === null) return false;
    const { verdict } = await askProvider(serveHere(this.#row, this.#parts), key, this.#parts);
    return verdict === 'invalid' || verdict === 'compromised';
  }

  /** Somebody has brought a retired key back, by SQL or by entering it again. */
  async #servesAgain({ fingerprint }: SweptVersion): Promise<boolean> {
    if (fingerprint === null) return false;
    const { config, changes, database } = this.#parts;
    const { apiKey } = config.provider(this.#row.provider_slug);
    if (apiKey !== undefined && changes.fingerprinter.of(apiKey) === fingerprint) return true;
    const serving = await database.kysely
      .selectFrom('keyward_key_versions')
      .select('id')
      .where('fingerprint', '=', fingerprint)
      .where('state', 'in', ['pending', 'active', 'previous'])
      .limit(1)
      .executeTakeFirst();
    return serving !== undefined;
  }

  #keyOf({ encrypted_api_key: token }: KeyVersion): Secret | null {
    if (token === null) return null;
    const { ring, fingerprinter } = this.#parts.changes;
    const read = readStoredKey(token, ring, fingerprinter);
    return 'key' in read ? read.key : null;
  }

  /** A key is not revoked while a server may still send it. Asked once: revoking changes nothing that is served. */
  async #everyServerHasLeft(): Promise<boolean> {
    this.#hasLeft ??= this.#askWhetherAllHaveLeft();
    return this.#hasLeft;
  }

  async #askWhetherAllHaveLeft(): Promise<boolean> {
    const { kysely } = this.#parts.database;
    const { behind } = await waitUntilApplied(kysely, await readRevision(kysely), patienceMs);
    return behind.length === 0;
  }
}

/**
 * What Keyward made there. Where the provider shows how its keys look: also what others made and serves here, to
 * find its number in time, and what a rotation that is complete has retired.
 */
async function readSwept(
  db: Kysely<Tables>,
  providerId: number,
  { graceSeconds, showsHints }: { readonly graceSeconds: number; readonly showsHints: boolean },
): Promise<SweptVersion[]> {
  return db
    .selectFrom('keyward_key_versions')
    .selectAll()
    .select(
      sql<boolean>`coalesce(retired_at + make_interval(secs => ${graceSeconds}) <= ${databaseNow}, false)`.as(
        'grace_is_over',
      ),
    )
    .where('provider_id', '=', providerId)
    .where((eb) =>
      eb.or([
        eb('minted_name', 'is not', null),
        ...(showsHints
          ? [
              eb('state', 'in', ['pending', 'active', 'previous']).and('encrypted_api_key', 'is not', null),
              eb('state', '=', 'retired')
                .and(eb('encrypted_api_key', 'is not', null).or('minted_id', 'is not', null))
                .and(
                  eb.exists(
                    eb
                      .selectFrom('keyward_rotations')
                      .select('keyward_rotations.id')
                      .whereRef('old_version_id', '=', 'keyward_key_versions.id')
                      .where('step', '=', 'completed'),
                  ),
                ),
            ]
          : []),
      ]),
    )
    .orderBy('id')
    .execute();
}
