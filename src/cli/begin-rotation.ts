/**
 * How `keyward keys rotate` finds the rotation that it goes on with: a new one, or the one that is open where
 * nothing that was asked for differs from it. A key that somebody brings is never dropped unsaid.
 */
import type { Occasion } from '../audit/audit-event.ts';
import { KeywardError } from '../foundation/errors.ts';
import type { Secret } from '../foundation/secret.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import { claimMinting } from '../keys/rotation/claim-rotation.ts';
import { mintAgain, mintRotation } from '../keys/rotation/mint-rotation.ts';
import { retireOldKey } from '../keys/rotation/rotation-acts.ts';
import type { Rotation } from '../keys/rotation/rotation-store.ts';
import { startRotation } from '../keys/rotation/start-rotation.ts';
import { checkKey } from '../keys/set-key.ts';
import { planIn, stepsInWords, type RotationOptions } from './keys-rotation.ts';
import { readKey, readPipedKey } from './read-key.ts';
import { remark } from './terminal.ts';

export interface BeginParts {
  readonly parts: KeyActParts;
  readonly occasion: Occasion;
  readonly slug: string;
  readonly options: RotationOptions;
  /** Shows how far it has come. */
  readonly say: (progress: string) => void;
}

/**
 * @param open the rotation that is open
 * @returns null where nothing can be done now, which was said
 * @throws KeywardError rotation_open (409) where another key or another plan was asked for, and what
 *   startRotation and mintRotation throw
 */
export async function beginRotation(begin: BeginParts, open: Rotation | undefined): Promise<Rotation | null> {
  const { options, slug, say } = begin;
  if (open === undefined) return beginAnew(begin, options.mint ? undefined : await askedKey(begin));
  const brought = await broughtKey(begin, open);
  if (open.soakIsOver && wantsAnother(begin, open, brought)) return afterSoak(begin, open, brought);
  refuseOther(begin, open, brought);
  say(`goes on from ${open.step}, with the new key ${open.newKey.mask ?? 'that the provider makes'}`);
  if (open.step !== 'minting') return open;
  if (!(await claimMinting(begin.parts.database.kysely, open.id))) {
    remark(
      `The provider is being asked for the key, or was until a process ended. Call this again in a minute, or: keyward keys rotation cancel ${slug}`,
    );
    return null;
  }
  const { rotation } = await mintAgain(begin.parts, begin.occasion, slug, open);
  say(`the provider made ${rotation.newKey.mask ?? ''}, staged`);
  return rotation;
}

async function beginAnew(
  { parts, occasion, slug, options, say }: BeginParts,
  key: Secret | undefined,
): Promise<Rotation> {
  const plan = planIn(options);
  if (key === undefined) {
    const { rotation } = await mintRotation(parts, occasion, slug, plan);
    say(`the provider made ${rotation.newKey.mask ?? ''}, staged`);
    return rotation;
  }
  const { rotation, warnings } = await startRotation(parts, occasion, slug, { key, ...plan });
  for (const warning of warnings) remark(warning);
  say(`staged ${rotation.newKey.mask ?? ''}`);
  return rotation;
}

/** What is refused is refused before the old key is removed. */
async function afterSoak(
  begin: BeginParts,
  { id, newKey }: Rotation,
  brought: Secret | undefined,
): Promise<Rotation> {
  const { parts, occasion, slug, say } = begin;
  if (brought !== undefined) await checkKey(parts, slug, brought);
  await retireOldKey(parts, occasion, slug, { id });
  say(`the soak of ${newKey.mask ?? `rotation ${id}`} was over: retired its old key. A new rotation begins`);
  return beginAnew(begin, brought);
}

async function askedKey({ slug, options }: BeginParts): Promise<Secret> {
  return readKey(`New API key of ${slug}`, options.file);
}

/** At a terminal nobody is asked for a key that the open rotation has already; a pipe may hold nothing. */
async function broughtKey(begin: BeginParts, open: Rotation): Promise<Secret | undefined> {
  const { mint, file } = begin.options;
  if (mint) return undefined;
  if (file === undefined && !process.stdin.isTTY) return readPipedKey();
  return file === undefined && !open.soakIsOver ? undefined : askedKey(begin);
}

function wantsAnother({ parts, options }: BeginParts, { newKey }: Rotation, brought?: Secret): boolean {
  if (options.mint) return true;
  return brought !== undefined && parts.changes.fingerprinter.of(brought) !== newKey.fingerprint;
}

function refuseOther(begin: BeginParts, open: Rotation, brought: Secret | undefined): void {
  const { percent, soak, mint, expires } = begin.options;
  const { step, newKey, soak_seconds: soakSeconds } = open;
  if (mint && step !== 'minting')
    throw differs(begin, open, `Its new key ${newKey.mask ?? ''} is there already, so none was made.`);
  if (brought !== undefined && wantsAnother(begin, open, brought))
    throw differs(begin, open, 'The key that was brought is not its new key, and was not stored.');
  if (soak !== undefined && soak !== soakSeconds)
    throw differs(begin, open, `It soaks for ${soakSeconds} s, which --soak does not change any more.`);
  refuseOtherAutomation(begin, open);
  if (expires !== undefined && expires.getTime() !== newKey.expires_at?.getTime())
    throw differs(begin, open, 'Its new key was staged with another end than --expires says.');
  if (step === 'soaking' && percent !== undefined)
    throw differs(begin, open, 'Its new key serves all calls, so --percent says nothing any more.');
}

function refuseOtherAutomation(begin: BeginParts, open: Rotation): void {
  const { automatic, canarySeconds, canaryCalls } = begin.options;
  const { is_automatic: isAutomatic, canary_seconds: ofSeconds, canary_min_calls: ofCalls } = open;
  if (automatic && !isAutomatic)
    throw differs(begin, open, 'It was begun without --automatic, so that you take its steps.');
  if (canarySeconds !== undefined && canarySeconds !== ofSeconds)
    throw differs(
      begin,
      open,
      `Its canary takes ${ofSeconds} s, which --canary-seconds does not change any more.`,
    );
  if (canaryCalls !== undefined && canaryCalls !== ofCalls)
    throw differs(
      begin,
      open,
      `Its canary waits for ${ofCalls} calls, which --canary-calls does not change any more.`,
    );
}

/** Begins with where it stands; ends with every way that leads on. */
function differs({ slug }: BeginParts, { id, step, newKey }: Rotation, why: string): KeywardError {
  const on =
    step === 'soaking'
      ? `End its soak (keyward keys rotation retire ${slug}) or go back (keyward keys rotation rollback ${slug}) first.`
      : `Go on with it (keyward keys rotate ${slug}, without a key and without options that differ), or give it up first (keyward keys rotation cancel ${slug}).`;
  return new KeywardError('rotation_open', {
    message: `Rotation ${id} of ${slug} is open: ${newKey.mask ?? 'its new key'} is ${stepsInWords[step]}. ${why} Nothing was changed. ${on}`,
  });
}
