/** No name, no owner and no model that everybody sees holds a secret: the one check of commands and of the admin API. */
import { KeywardError } from '../foundation/errors.ts';
import { redactSecrets } from '../providers/redact.ts';
import { readKnownSecrets, type SecretsParts } from './known-secrets.ts';

/** By the field that they come in, with how it is called. */
export type ShownTexts = Readonly<
  Record<string, { readonly called: string; readonly text: string | null | undefined }>
>;

/**
 * Refuses what looks like a key, and every secret that this installation holds, whatever it looks like.
 * @throws KeywardError field_invalid (400), which repeats nothing of it
 */
export async function refuseSecrets(parts: SecretsParts, texts: ShownTexts): Promise<void> {
  const given = Object.entries(texts).flatMap(([param, { called, text }]) =>
    text ? [{ param, called, text }] : [],
  );
  if (given.length === 0) return;
  const known = await readKnownSecrets(parts);
  for (const { param, called, text } of given) {
    if (redactSecrets(text, known) === text) continue;
    throw new KeywardError('field_invalid', {
      param,
      message: `${called} is shown to everybody who looks, and this one looks like a key. Nothing was changed.`,
    });
  }
}

export function shownName(name: string | undefined): ShownTexts {
  return { name: { called: 'A name', text: name } };
}

export function shownPolicy(owner: string | null | undefined, probeModel: string | undefined): ShownTexts {
  return {
    owner: { called: 'An owner', text: owner },
    'probe.model': { called: 'A model', text: probeModel },
  };
}
