/**
 * The table keyward_alert_channels. Every change is audited in its own transaction; the settings lie there as a
 * token of the encryption key ring, and in the audit trail masked.
 */
import type { Kysely, Selectable, Updateable } from 'kysely';
import { writtenBy, type Occasion } from '../audit/audit-event.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import { encryptMarked } from '../crypto/encryption-mark.ts';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { KeywardAlertChannelsTable, Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import { refuseEmptyWindow } from '../foundation/day-window.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import { withoutSettings } from './channel-secrets.ts';
import {
  checkSettings,
  maskSettings,
  readSettings,
  type ChannelKind,
  type ChannelSettings,
  type SettingsFields,
} from './channel-settings.ts';
import { channelRules, readRules, type ChannelRules, type QuietHours } from './routing.ts';

export interface ChannelParts {
  readonly audit: AuditTrail;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly config: Pick<Config, 'upstream'>;
}

export interface AlertChannel {
  readonly id: number;
  readonly name: string;
  readonly kind: ChannelKind;
  readonly rules: ChannelRules;
  readonly quiet: QuietHours | null;
  readonly isActive: boolean;
  readonly changedBy: string;
  readonly changedAt: Date;
  /** Another after each change, for If-Match: milliseconds since 1970. */
  readonly revision: number;
  readonly encryptedSettings: string | null;
}

/** Undefined leaves a field as it is, or takes the default of a new channel. */
export interface ChannelFields {
  readonly name?: string | undefined;
  readonly settings?: SettingsFields | undefined;
  readonly rules?: ChannelRules | undefined;
  readonly quiet?: QuietHours | null | undefined;
  readonly isActive?: boolean | undefined;
}

type Row = Selectable<KeywardAlertChannelsTable>;

export const longestChannelName = 100;

export function channelOf(row: Row): AlertChannel {
  const { quiet_from: from, quiet_to: to } = row;
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    rules: readRules(row.rules),
    quiet: from === null || to === null ? null : { from, to },
    isActive: row.is_active,
    changedBy: row.changed_by,
    changedAt: row.changed_at,
    revision: row.changed_at.getTime(),
    encryptedSettings: row.encrypted_settings,
  };
}

/** All channels, by number. */
export async function readChannels(db: Kysely<Tables>): Promise<AlertChannel[]> {
  return (await db.selectFrom('keyward_alert_channels').selectAll().orderBy('id').execute()).map(channelOf);
}

export async function findChannel(
  db: Kysely<Tables>,
  which: { readonly id: number } | { readonly name: string },
): Promise<AlertChannel | undefined> {
  const query = db.selectFrom('keyward_alert_channels').selectAll();
  const row = await (
    'id' in which ? query.where('id', '=', which.id) : query.where('name', '=', which.name)
  ).executeTakeFirst();
  return row === undefined ? undefined : channelOf(row);
}

/** @throws what the ring and readSettings throw where the settings cannot be read */
export function openSettings(
  { kind, encryptedSettings }: Pick<AlertChannel, 'kind' | 'encryptedSettings'>,
  ring: KeyRing,
): ChannelSettings {
  return readSettings(kind, encryptedSettings === null ? null : ring.decrypt(encryptedSettings).secret);
}

/** What may be shown of the settings; null where they cannot be read. */
export function shownSettings(
  channel: Pick<AlertChannel, 'kind' | 'encryptedSettings'>,
  ring: KeyRing,
): SettingsFields | null {
  try {
    return maskSettings(openSettings(channel, ring));
  } catch {
    return null;
  }
}

/** @throws KeywardError field_invalid (400), channel_exists (409), audit_unavailable (503) */
export async function createChannel(
  parts: ChannelParts,
  occasion: Occasion,
  fields: ChannelFields & { readonly name: string; readonly kind: ChannelKind },
): Promise<AlertChannel> {
  const { name, kind, rules = channelRules.parse({}), quiet = null, isActive = true } = fields;
  refuseNoQuiet(quiet);
  const settings = checkSettings(kind, fields.settings ?? {}, parts.config.upstream.allowHttp);
  const clean = withoutSettings(occasion, fields.settings);
  const { value } = await parts.audit.change(clean, async (tx, record) => {
    const row = await tx
      .insertInto('keyward_alert_channels')
      .values({
        name,
        kind,
        ...encrypted(parts.ring, settings),
        rules: JSON.stringify(rules),
        quiet_from: quiet?.from ?? null,
        quiet_to: quiet?.to ?? null,
        is_active: isActive,
        changed_by: writtenBy(occasion),
        changed_at: parts.clock.now(),
      })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw channelExists();
    record({ action: 'alert_channel.created', target: targetOf(row.id), after: shown(parts, row) });
    return channelOf(row);
  });
  return value;
}

/** Throws as createChannel, and channel_not_found (404), revision_mismatch (412). */
export async function changeChannel(
  parts: ChannelParts,
  occasion: Occasion,
  id: number,
  { ifRevision, ...fields }: ChannelFields & { readonly ifRevision?: number | undefined },
): Promise<AlertChannel> {
  refuseNoQuiet(fields.quiet);
  const { value } = await parts.audit.change(
    withoutSettings(occasion, fields.settings),
    async (tx, record) => {
      const before = await lockChannel(tx, id, ifRevision);
      if (fields.name !== undefined && fields.name !== before.name) await refuseTakenName(tx, fields.name);
      const values: Updateable<KeywardAlertChannelsTable> = {
        ...(fields.name !== undefined && { name: fields.name }),
        ...(fields.settings !== undefined &&
          encrypted(
            parts.ring,
            checkSettings(before.kind, fields.settings, parts.config.upstream.allowHttp),
          )),
        ...(fields.rules !== undefined && { rules: JSON.stringify(fields.rules) }),
        ...(fields.quiet !== undefined && {
          quiet_from: fields.quiet?.from ?? null,
          quiet_to: fields.quiet?.to ?? null,
        }),
        ...(fields.isActive !== undefined && { is_active: fields.isActive }),
      };
      const after = await tx
        .updateTable('keyward_alert_channels')
        .set({
          ...values,
          changed_by: writtenBy(occasion),
          // It is the revision too, so no two are the same.
          changed_at: new Date(Math.max(parts.clock.now().getTime(), before.changed_at.getTime() + 1)),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      record({
        action: 'alert_channel.changed',
        target: targetOf(id),
        before: shown(parts, before),
        after: { ...shown(parts, after), settings_changed: fields.settings !== undefined },
      });
      return channelOf(after);
    },
  );
  return value;
}

function refuseNoQuiet(quiet: QuietHours | null | undefined): void {
  refuseEmptyWindow(
    quiet,
    'quiet_hours',
    'Quiet hours that end when they begin would be no time at all; a channel that is not to be used is switched off.',
  );
}

/** With it go its deliveries. Throws channel_not_found (404), revision_mismatch (412), audit_unavailable (503). */
export async function deleteChannel(
  parts: ChannelParts,
  occasion: Occasion,
  id: number,
  { ifRevision }: { readonly ifRevision?: number | undefined } = {},
): Promise<void> {
  await parts.audit.change(occasion, async (tx, record) => {
    const before = await lockChannel(tx, id, ifRevision);
    await tx.deleteFrom('keyward_alert_channels').where('id', '=', id).execute();
    record({ action: 'alert_channel.deleted', target: targetOf(id), before: shown(parts, before) });
  });
}

async function lockChannel(tx: Kysely<Tables>, id: number, ifRevision: number | undefined): Promise<Row> {
  const row = await tx
    .selectFrom('keyward_alert_channels')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new KeywardError('channel_not_found');
  if (ifRevision !== undefined && row.changed_at.getTime() !== ifRevision)
    throw new KeywardError('revision_mismatch', { param: 'If-Match' });
  return row;
}

async function refuseTakenName(tx: Kysely<Tables>, name: string): Promise<void> {
  if ((await findChannel(tx, { name })) !== undefined) throw channelExists();
}

function channelExists(): KeywardError {
  return new KeywardError('channel_exists', { param: 'name' });
}

function encrypted(
  ring: KeyRing,
  settings: Secret | null,
): Pick<Row, 'encrypted_settings' | 'encrypted_under'> {
  if (settings === null) return { encrypted_settings: null, encrypted_under: null };
  const { token, mark } = encryptMarked(ring, settings);
  return { encrypted_settings: token, encrypted_under: mark };
}

function targetOf(id: number): { kind: string; id: string } {
  return { kind: 'alert_channel', id: String(id) };
}

function shown({ ring }: ChannelParts, row: Row): Record<string, unknown> {
  const channel = channelOf(row);
  return {
    name: channel.name,
    kind: channel.kind,
    settings: shownSettings(channel, ring) ?? 'unreadable',
    rules: channel.rules,
    quiet_hours: channel.quiet,
    is_active: channel.isActive,
  };
}
