/**
 * Posts a message to Slack, Teams or a webhook. The connection is guarded like those to providers, a redirect is
 * an answer and never followed, and what the receiver says is read within limits.
 */
import { Agent, request } from 'undici';
import { signatureHeaders } from '../crypto/webhook-signature.ts';
import { messageOf } from '../foundation/errors.ts';
import { guardedConnect } from '../foundation/guarded-connect.ts';
import { version } from '../foundation/version.ts';
import type { ChannelSettings } from './channel-settings.ts';
import type { Message } from './message.ts';
import { slackBody, teamsBody, webhookBody } from './message-formats.ts';
import { retryAfterSeconds } from '../foundation/retry-after.ts';
import type { SendOutcome } from './send-outcome.ts';

type PostedSettings = Extract<ChannelSettings, { kind: 'slack' | 'teams' | 'webhook' }>;

export interface Envelope {
  /** Names the message: the same at every attempt. */
  readonly id: string;
  /** When it was queued. */
  readonly queuedAt: Date;
  readonly now: Date;
  readonly timeoutMs: number;
}

const longestAnswerBytes = 16 * 1024;
const longestQuote = 200;

export async function postMessage(
  settings: PostedSettings,
  message: Message,
  envelope: Envelope,
): Promise<SendOutcome> {
  const { timeoutMs } = envelope;
  // For this message alone: no connection of another channel's rule is used, and none is left.
  const agent = new Agent({ connect: guardedConnect(settings, timeoutMs), allowH2: false });
  const body = JSON.stringify(bodyOf(settings, message, envelope));
  try {
    const answer = await request(settings.url.reveal(), {
      method: 'POST',
      dispatcher: agent,
      headers: {
        'content-type': 'application/json',
        'user-agent': `keyward/${version}`,
        ...(settings.kind === 'webhook' &&
          signatureHeaders(settings.secret, { id: envelope.id, at: envelope.now, body })),
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return outcomeOf(
      answer.statusCode,
      answer.headers['retry-after'],
      await readBeginning(answer.body),
      envelope.now,
    );
  } catch (error) {
    return { state: 'retry', error: `It cannot be reached: ${messageOf(error)}.` };
  } finally {
    await agent.destroy();
  }
}

function bodyOf(settings: PostedSettings, message: Message, { queuedAt }: Envelope): object {
  if (settings.kind === 'slack') return slackBody(message);
  return settings.kind === 'teams' ? teamsBody(message) : webhookBody(message, queuedAt);
}

/** Whatever comes after an answer has begun, it has been given: the rest may break off or never end. */
async function readBeginning(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += chunk.toString('utf8');
      if (text.length > longestAnswerBytes) break;
    }
  } catch {
    return text;
  }
  return text;
}

function outcomeOf(
  status: number,
  retryAfter: string | string[] | undefined,
  answer: string,
  now: Date,
): SendOutcome {
  if (status >= 200 && status <= 299) return { state: 'delivered' };
  const quote = answer.trim().slice(0, longestQuote);
  const said = quote === '' ? '' : `: ${quote}`;
  if (status === 410)
    return { state: 'final', error: `It answered 410: nobody listens there any more${said}` };
  if (status >= 300 && status <= 399)
    return { state: 'retry', error: `It answered ${status}, a redirect, which is not followed.` };
  const wait = retryAfterSeconds(retryAfter, now);
  return {
    state: 'retry',
    error: `It answered ${status}${said}`,
    ...(wait !== undefined && { retryAfterSeconds: wait }),
  };
}
