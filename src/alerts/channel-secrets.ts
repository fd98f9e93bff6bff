/**
 * What no message, no error and no record may hold of a channel: its address in whole and in the pieces that receivers
 * repeat, the key of its signatures, the password of its mail server.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { Secret } from '../foundation/secret.ts';
import { redactSecrets } from '../providers/redact.ts';
import type { ChannelSettings, SettingsFields } from './channel-settings.ts';

export function secretsIn(settings: ChannelSettings): Secret[] {
  if (settings.kind === 'log') return [];
  if (settings.kind === 'email') return settings.login === null ? [] : [settings.login.password];
  const signing = settings.kind === 'webhook' ? signingForms(settings.secret.reveal()) : [];
  return [...addressForms(settings.url.reveal()), ...signing].map((text) => new Secret(text));
}

/** Who gives a reason may paste there what belongs into the settings, right or faulty as they are. */
export function withoutSettings<Of extends Occasion>(occasion: Of, fields: SettingsFields = {}): Of {
  const { reason } = occasion;
  if (!reason) return occasion;
  const { url, secret, password } = fields;
  const forms = [
    ...(url === undefined ? [] : addressForms(url)),
    ...(secret === undefined ? [] : signingForms(secret)),
    ...(password === undefined ? [] : [password]),
  ];
  const secrets = forms.map((text) => new Secret(text));
  return { ...occasion, reason: redactSecrets(reason, secrets) };
}

/** Libraries take the key with and without what marks it. */
function signingForms(secret: string): string[] {
  return [secret, secret.replace(/^whsec_/, '')];
}

/** Receivers repeat the path alone, or one segment of it. Ordinary words of an address stay readable. */
function addressForms(address: string): string[] {
  const text = address.trim();
  const url = URL.parse(text);
  if (url === null) return [text];
  const { pathname, search, searchParams } = url;
  const pieces = [...pathname.split('/'), ...searchParams.values()].flatMap((piece) => [
    piece,
    decoded(piece),
  ]);
  const forms = [text, url.href, pathname + search, pathname, ...pieces.filter((piece) => isSecret(piece))];
  return forms.filter((form) => form.length > 1);
}

function isSecret(piece: string): boolean {
  return piece.length >= 16 || (piece.length >= 8 && /\d/.test(piece));
}

function decoded(piece: string): string {
  try {
    return decodeURIComponent(piece);
  } catch {
    return piece;
  }
}
