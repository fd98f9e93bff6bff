/**
 * Works off the queue of deliveries. Each message is sent once; only where the answer was lost, or an instance
 * died before it had noted it, it is sent again, under the same name.
 */
import type { Kysely } from 'kysely';
import type { KeyRing } from '../crypto/key-ring.ts';
import type { Tables } from '../database/tables.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Config } from '../foundation/config.ts';
import { messageOf } from '../foundation/errors.ts';
import type { Logger } from '../foundation/logger.ts';
import type { Secret } from '../foundation/secret.ts';
import { quotable } from '../providers/redact.ts';
import { alertOf, type StoredAlert } from './alert-store.ts';
import { secretsIn } from './channel-secrets.ts';
import { addressProblem, type ChannelKind, type ChannelSettings } from './channel-settings.ts';
import { channelOf, openSettings, type AlertChannel } from './channel-store.ts';
import { claimDeliveries, holdBack, settleDelivery, type Delivery, type Settled } from './delivery-store.ts';
import { composeMessage, composeTest, textOf, type Message } from './message.ts';
import { nextAttemptMs } from './next-attempt.ts';
import { postMessage, type Envelope } from './post-message.ts';
import type { SendOutcome } from './send-outcome.ts';

export interface DeliveryParts {
  readonly db: Kysely<Tables>;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly config: Pick<Config, 'upstream' | 'publicOrigin'>;
  readonly log: Logger;
  readonly instanceId: string;
  /** Keys that must not stand in a message, whatever they look like. */
  readonly knownSecrets?: () => readonly Secret[];
  /** Told of every attempt. */
  readonly onAttempt?: (kind: ChannelKind, outcome: Settled['state']) => void;
  /** How long one attempt may take; 15 s where absent. */
  readonly timeoutMs?: number;
}

const mostAtOnce = 10;
const standardTimeoutMs = 15_000;
const longestError = 300;

/** Sends what is due, a few at a time, so that one slow receiver holds up no other. @returns how many it took */
export async function deliverDue(parts: DeliveryParts): Promise<number> {
  const { db, clock, instanceId } = parts;
  const claimed = await claimDeliveries(db, { instanceId, now: clock.now(), limit: mostAtOnce });
  const attempts = await Promise.allSettled(claimed.map(async (delivery) => attempt(parts, delivery)));
  // What could not be noted is taken up again when its claim has run out.
  const failed = attempts.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return claimed.length;
}

/** One attempt at a delivery that this instance has claimed. */
export async function attempt(parts: DeliveryParts, delivery: Delivery): Promise<Settled> {
  const { db } = parts;
  const row = await db
    .selectFrom('keyward_alert_channels')
    .selectAll()
    .where('id', '=', delivery.channel_id)
    .executeTakeFirst();
  const alert = await alertOfDelivery(db, delivery);
  // With its channel or its alert the row itself is gone.
  if (row === undefined || alert === undefined) return dropped('The channel is gone.', parts);
  const channel = channelOf(row);
  const needless = whyNeedless(delivery, channel, alert, parts.clock.now());
  const settled =
    needless === undefined
      ? settledBy(await send(parts, delivery, channel, alert), delivery, parts)
      : dropped(needless, parts);
  const isMine = await settleDelivery(db, delivery, settled);
  if (isMine && settled.heldBackUntil !== undefined) await holdBack(db, channel.id, settled.heldBackUntil);
  parts.onAttempt?.(channel.kind, settled.state);
  // Whoever has a channel tested is told by the answer.
  if (settled.state === 'failed' && delivery.event !== 'test')
    parts.log.error(
      { channel: channel.name, delivery: delivery.id, why: settled.lastError },
      'an alert could not be delivered, and is given up',
    );
  return settled;
}

/** null for a test, which is of no alert. */
async function alertOfDelivery(
  db: Kysely<Tables>,
  { alert_id: id }: Delivery,
): Promise<StoredAlert | null | undefined> {
  if (id === null) return null;
  const row = await db.selectFrom('keyward_alerts').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : alertOf(row);
}

function dropped(lastError: string, { clock }: DeliveryParts): SettledAttempt {
  return { state: 'dropped', lastError, now: clock.now() };
}

/** Why it is no longer worth sending. */
function whyNeedless(
  { event }: Delivery,
  { isActive }: AlertChannel,
  alert: StoredAlert | null,
  now: Date,
): string | undefined {
  if (alert === null) return undefined;
  if (!isActive) return 'The channel is switched off.';
  if (alert.snoozedUntil !== null && alert.snoozedUntil > now) return 'The alert is snoozed.';
  if (event === 'reminder' && alert.acknowledgedAt !== null) return 'Somebody sees to the alert.';
  if (event === 'reminder' && alert.resolvedAt !== null) return 'The alert is over.';
  return undefined;
}

async function send(
  parts: DeliveryParts,
  delivery: Delivery,
  channel: AlertChannel,
  alert: StoredAlert | null,
): Promise<SendOutcome> {
  const { clock, ring, config } = parts;
  const now = clock.now();
  const settings = opened(channel, ring);
  if (settings === undefined)
    return { state: 'retry', error: 'The settings of the channel cannot be read: enter them again.' };
  const problem = addressProblem(settings, config.upstream.allowHttp);
  if (problem !== undefined) return { state: 'retry', error: `Nothing is sent there: ${problem}.` };
  const place = { now, publicOrigin: config.publicOrigin };
  const { event } = delivery;
  const composed =
    alert === null || event === 'test'
      ? composeTest(channel.name, place)
      : composeMessage(event, alert, place);
  const message = withoutSecrets(composed, [...secretsIn(settings), ...(parts.knownSecrets?.() ?? [])]);
  const queuedAt = delivery.created_at;
  const outcome = await sendOver(parts, settings, message, {
    // The number alone is not unique among the installations that a receiver may have.
    id: `msg_${delivery.id}_${queuedAt.getTime()}`,
    queuedAt,
    now,
    timeoutMs: parts.timeoutMs ?? standardTimeoutMs,
  });
  return outcome.state === 'delivered'
    ? outcome
    : { ...outcome, error: quotable(outcome.error, secretsIn(settings), longestError) };
}

function opened(channel: AlertChannel, ring: KeyRing): ChannelSettings | undefined {
  try {
    return openSettings(channel, ring);
  } catch {
    return undefined;
  }
}

const longestText = 1_000;

/** What an alert says was cleaned as it was stored; here with all that is known now, the channel's own too. */
function withoutSecrets(message: Message, known: readonly Secret[]): Message {
  const clean = (text: string): string => quotable(text, known, longestText);
  const details = Object.entries(message.details).map(([name, value]: [string, unknown]) => {
    if (Array.isArray(value)) return [name, value.map((one) => clean(String(one)))] as const;
    return [name, typeof value === 'string' ? clean(value) : value] as const;
  });
  return {
    ...message,
    title: clean(message.title),
    facts: message.facts.map(({ label, text }) => ({ label, text: clean(text) })),
    command: message.command === null ? null : clean(message.command),
    details: Object.fromEntries(details) as unknown as Message['details'],
  };
}

async function sendOver(
  { log }: DeliveryParts,
  settings: ChannelSettings,
  message: Message,
  envelope: Envelope,
): Promise<SendOutcome> {
  try {
    if (settings.kind === 'email') {
      // The mailer is read by the first mail: most installations send none.
      const { sendEmail } = await import('./send-email.ts');
      return await sendEmail(settings, message, envelope);
    }
    if (settings.kind !== 'log') return await postMessage(settings, message, envelope);
    const level =
      message.event === 'resolved' || message.event === 'test' ? 'info' : levels[message.severity];
    log[level]({ alert: message.alert?.id, event: message.event, text: textOf(message) }, message.title);
    return { state: 'delivered' };
  } catch (error) {
    return { state: 'retry', error: `It was not sent: ${messageOf(error)}` };
  }
}

const levels = { info: 'info', warning: 'warn', critical: 'error' } as const;

interface SettledAttempt extends Settled {
  /** The receiver asked for a pause. */
  readonly heldBackUntil?: Date;
}

function settledBy(outcome: SendOutcome, delivery: Delivery, { clock }: DeliveryParts): SettledAttempt {
  const now = clock.now();
  if (outcome.state === 'delivered') return { state: 'delivered', lastError: outcome.remark ?? null, now };
  const { error: lastError, retryAfterSeconds = 0 } = outcome;
  const isLast = outcome.state === 'final' || delivery.event === 'test';
  const waitMs = isLast ? null : nextAttemptMs(delivery.attempts, { retryAfterSeconds, dice: Math.random() });
  if (waitMs === null) return { state: 'failed', lastError, now };
  const after = (ms: number): Date => new Date(now.getTime() + ms);
  return {
    state: 'waiting',
    lastError,
    now,
    nextAttemptAt: after(waitMs),
    ...(retryAfterSeconds > 0 && { heldBackUntil: after(retryAfterSeconds * 1_000) }),
  };
}
