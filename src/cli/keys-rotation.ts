/** `keyward keys rotation …`: the steps of a rotation, each alone. What would be lost is asked about first. */
import { UsageError } from '../foundation/errors.ts';
import type { KeyActParts } from '../keys/key-acts.ts';
import { findProvider as findListed } from '../keys/list-providers.ts';
import {
  cancelRotation,
  promoteKey,
  retireOldKey,
  rollBackKey,
  startCanary,
} from '../keys/rotation/rotation-acts.ts';
import { mintRotation } from '../keys/rotation/mint-rotation.ts';
import type { RotationMoved } from '../keys/rotation/move-rotation.ts';
import { findRotation, type Rotation } from '../keys/rotation/rotation-store.ts';
import { startRotation, type RotationPlan } from '../keys/rotation/start-rotation.ts';
import { testRotation } from '../keys/rotation/test-rotation.ts';
import { viewRotation, type RotationView } from '../keys/rotation/view-rotation.ts';
import type { Installation } from '../installation.ts';
import { confirmed } from './confirm.ts';
import { readKey } from './read-key.ts';
import { print, printJson, remark, table } from './terminal.ts';
import {
  changeParts,
  reasonedOccasion,
  describeApplied,
  findProvider,
  withInstallation,
} from './with-installation.ts';

export type RotationActName =
  | 'show'
  | 'start'
  | 'test'
  | 'canary'
  | 'promote'
  | 'rollback'
  | 'retire'
  | 'cancel';

export interface RotationOptions {
  /** The provider makes the key. */
  readonly mint?: true;
  readonly file?: string;
  readonly percent?: number;
  readonly soak?: number;
  /** When the new key ends. */
  readonly expires?: Date;
  readonly automatic?: true;
  readonly canarySeconds?: number;
  readonly canaryCalls?: number;
  readonly spend?: true;
  readonly model?: string;
  readonly force?: true;
  readonly reason?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** @returns the exit code: 0 done, 1 not confirmed, or the new key was tested and is not valid */
export async function actOnRotation(
  act: RotationActName,
  slug: string,
  options: RotationOptions,
): Promise<number> {
  return withInstallation(async (installation) => {
    await findProvider(installation, slug);
    if (act === 'show') return show(installation, slug, options);
    if (!(await agreed(act, slug, options))) {
      remark('Nothing was changed.');
      return 1;
    }
    const { rotation, revision } = await run(act, installation, slug, options);
    const applied = await describeApplied(installation, revision);
    const view = await viewRotation(rotationParts(installation), slug, rotation);
    if (options.json) printJson({ ...view, revision, applied });
    else {
      print(sentenceOf(view));
      print(applied);
    }
    return act === 'test' && view.new_key.last_verdict !== 'valid' ? 1 : 0;
  });
}

export function rotationParts(installation: Installation): KeyActParts {
  return { ...installation, changes: changeParts(installation) };
}

async function run(
  act: Exclude<RotationActName, 'show'>,
  installation: Installation,
  slug: string,
  options: RotationOptions,
): Promise<Pick<RotationMoved, 'rotation' | 'revision'>> {
  const parts = rotationParts(installation);
  const occasion = await reasonedOccasion(installation, options.reason);
  const { force, percent } = options;
  switch (act) {
    case 'start': {
      refuseKeyToMint(options);
      const plan = planIn(options);
      if (options.mint) return mintRotation(parts, occasion, slug, plan);
      const key = await readKey(`New API key of ${slug}`, options.file);
      const started = await startRotation(parts, occasion, slug, { key, ...plan });
      for (const warning of started.warnings) remark(warning);
      return started;
    }
    case 'test':
      return testRotation(parts, occasion, slug, undefined, { spend: options.spend, model: options.model });
    case 'canary':
      return startCanary(parts, occasion, slug, { force, percent });
    case 'promote':
      return promoteKey(parts, occasion, slug, { force });
    case 'rollback':
      return rollBackKey(parts, occasion, slug, { force });
    case 'retire':
      return retireOldKey(parts, occasion, slug, { force });
    default:
      return cancelRotation(parts, occasion, slug);
  }
}

/** What the options of a beginning say of the rotation. */
export function planIn(options: RotationOptions): RotationPlan {
  return {
    canaryPercent: options.percent,
    soakSeconds: options.soak,
    expiresAt: options.expires,
    isAutomatic: options.automatic,
    canarySeconds: options.canarySeconds,
    canaryMinCalls: options.canaryCalls,
  };
}

/** @throws UsageError where the key is both to be made and there already */
export function refuseKeyToMint({ mint, file }: RotationOptions): void {
  if (mint && file !== undefined)
    throw new UsageError('Say either --mint or --file: the provider makes the key, or you bring it.', {
      exitCode: 2,
    });
}

/** What cannot be taken back, as a question. */
const losses: Partial<Readonly<Record<RotationActName, string>>> = {
  rollback: 'The new key is given up for good. Go back to what served before?',
  retire: 'The old key is removed here for good: there is no way back to it. Go on?',
  cancel: 'The new key is given up for good. Cancel the rotation?',
};

async function agreed(act: RotationActName, slug: string, options: RotationOptions): Promise<boolean> {
  const question = options.force
    ? `The proof does not allow this${act === 'rollback' ? ': it may leave the provider without a key' : ''}. Go on by force?`
    : losses[act];
  if (question === undefined || options.yes) return true;
  const refusal = `This asks first, and this is no terminal. Say --yes to go on. (${question})`;
  return confirmed(`${slug}: ${question}`, refusal);
}

async function show(installation: Installation, slug: string, { json }: RotationOptions): Promise<number> {
  const { database } = installation;
  const row = await findListed(database.kysely, slug);
  const rotation: Rotation | undefined = row && (await findRotation(database.kysely, row.id, 'last'));
  if (rotation === undefined) {
    if (json) printJson(null);
    else print(`${slug} has had no rotation.`);
    return 0;
  }
  const view = await viewRotation(rotationParts(installation), slug, rotation);
  if (json) printJson(view);
  else {
    print(sentenceOf(view));
    for (const line of trafficLines(view)) print(line);
    if (view.next.length > 0) print(`Next: ${view.next.join(', ')}`);
  }
  return 0;
}

/** `openrouter: rotation 3 is in canary. New key sk-…fa42 (fp_…), old key sk-…fa41 (fp_…).` */
export function sentenceOf(view: RotationView): string {
  const why = view.explanation === null ? '' : ` ${view.explanation}`;
  return `${view.provider}: rotation ${view.id} is ${stepsInWords[view.step]}. New key ${shown(view.new_key)}, old key ${view.old_key?.mask === null ? 'unreadable' : shown(view.old_key)}.${why}`;
}

export const stepsInWords: Readonly<Record<RotationView['step'], string>> = {
  minting: 'waiting for the provider to make the key',
  staged: 'staged',
  tested: 'tested',
  canary: 'in canary',
  soaking: 'soaking: the new key serves',
  completed: 'complete: the new key serves',
  rolled_back: 'rolled back: the new key is given up',
  cancelled: 'cancelled: the new key is given up',
  superseded: 'superseded by another change of the key',
  failed: 'failed: nothing was switched',
};

function shown(key: RotationView['old_key']): string {
  if (key === null) return 'none';
  return key.mask === null ? 'not there yet' : `${key.mask} (${key.fingerprint})`;
}

export function trafficLines({ traffic, new_key: newKey, old_key: oldKey }: RotationView): string[] {
  return table([
    ['KEY', 'FINGERPRINT', 'CALLS', 'ERRORS', 'RATE'],
    trafficRow('new', newKey, traffic.new),
    trafficRow('old', oldKey, traffic.old),
  ]);
}

function trafficRow(
  name: string,
  key: RotationView['old_key'],
  { calls, errors, error_rate: rate }: RotationView['traffic']['new'],
): string[] {
  const share = rate === null ? '-' : `${(100 * rate).toFixed(1)} %`;
  return [name, key?.fingerprint ?? '-', String(calls), String(errors), share];
}
