/**
 * Sends a message by SMTP, over TLS unless the server stands where none is needed. The connection is guarded like
 * those to providers; a server that took the message without saying so gets it again, under the same Message-ID.
 */
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { codeOf, messageOf } from '../foundation/errors.ts';
import { guardedLookup } from '../foundation/guarded-connect.ts';
import type { EmailSettings } from './channel-settings.ts';
import { textOf, type Message } from './message.ts';
import type { Envelope } from './post-message.ts';
import type { SendOutcome } from './send-outcome.ts';

export async function sendEmail(
  settings: EmailSettings,
  message: Message,
  { id, queuedAt, timeoutMs }: Envelope,
): Promise<SendOutcome> {
  const { from, to } = settings;
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const { alert, title, severity } = message;
  const transport = transportTo(settings, timeoutMs);
  try {
    const { rejected } = await transport.sendMail({
      from: { name: 'Keyward', address: from },
      to: [...to],
      subject: `[Keyward] ${title}`,
      text: textOf(message),
      messageId: `<${id}@${domain}>`,
      // All messages of one alert are one conversation.
      ...(alert !== null && { references: `<alert.${alert.id}.${alert.openedAt.getTime()}@${domain}>` }),
      date: queuedAt,
      headers: { 'Auto-Submitted': 'auto-generated' },
      priority: severity === 'critical' ? 'high' : 'normal',
      disableFileAccess: true,
      disableUrlAccess: true,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (rejected.length === 0) return { state: 'delivered' };
    return { state: 'delivered', remark: `${rejected.length} of ${to.length} receivers were refused.` };
  } catch (error) {
    return outcomeOf(error);
  } finally {
    transport.close();
  }
}

function transportTo({ host, port, security, login, allowPrivateNetwork }: EmailSettings, timeoutMs: number) {
  return createTransport({
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    ...(login !== null && { auth: { user: login.username, pass: login.password.reveal() } }),
    tls: { minVersion: 'TLSv1.2' },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 0,
    getSocket: (_options, callback) => connectGuarded(host, port, allowPrivateNetwork, timeoutMs, callback),
  });
}

/** nodemailer resolves names by itself; this socket goes only where the rule lets it. */
function connectGuarded(
  host: string,
  port: number,
  allowPrivateNetwork: boolean,
  timeoutMs: number,
  callback: (error: Error | null, options: { connection: Socket } | false) => void,
): void {
  const bare = host.replace(/^\[|\]$/g, '');
  const socket = connect({
    host: bare,
    port,
    lookup: guardedLookup(allowPrivateNetwork),
    timeout: timeoutMs,
  });
  socket.once('error', (error) => callback(error, false));
  socket.once('timeout', () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)));
  socket.once('connect', () => {
    socket.removeAllListeners('error').removeAllListeners('timeout').setTimeout(0);
    callback(null, { connection: socket });
  });
}

/** A refusal for good (RFC 5321, 4.2.1: 5yz) of the message itself; a password can be put right meanwhile. */
function outcomeOf(error: unknown): SendOutcome {
  const status = responseCodeOf(error);
  const words = messageOf(error).trim();
  const isFinal = status !== undefined && status >= 500 && status <= 599 && finalCodes.has(codeOf(error));
  return { state: isFinal ? 'final' : 'retry', error: `It was not sent: ${words}` };
}

const finalCodes: ReadonlySet<string> = new Set(['EENVELOPE', 'EMESSAGE']);

function responseCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('responseCode' in error)) return undefined;
  return typeof error.responseCode === 'number' ? error.responseCode : undefined;
}
