/** The stages of a rotation as they are shown, in order, and which of them it stands at: from what the API says alone. */
import type { Rotation } from '../../api/views.ts';

export const stages = ['key', 'test', 'canary', 'promote', 'soak', 'retire', 'revoked'] as const;
export type Stage = (typeof stages)[number];

export const stageNames: Readonly<Record<Stage, string>> = {
  key: 'New key',
  test: 'Test',
  canary: 'Canary',
  promote: 'Promote',
  soak: 'Soak',
  retire: 'Retire',
  revoked: 'Revoked',
};

export const stepWords: Readonly<Record<Rotation['step'], string>> = {
  minting: 'Being made',
  staged: 'Staged',
  tested: 'Tested',
  canary: 'In canary',
  soaking: 'Soaking',
  completed: 'Complete',
  rolled_back: 'Rolled back',
  cancelled: 'Cancelled',
  superseded: 'Superseded',
  failed: 'Failed',
};

export interface Standing {
  readonly stage: Stage;
  /** `done`: all that had to be done is; `stopped`: it ended at this stage and did not come further. */
  readonly state: 'open' | 'done' | 'stopped';
}

export function standingOf(rotation: Rotation): Standing {
  const { step, next } = rotation;
  switch (step) {
    case 'minting':
      return open('key');
    case 'staged':
      return open('test');
    case 'tested':
      return open(next.includes('promote') ? 'promote' : 'canary');
    case 'canary':
      return open(next.includes('promote') ? 'promote' : 'canary');
    case 'soaking':
      return open(next.includes('retire') ? 'retire' : 'soak');
    case 'completed':
      return { stage: 'revoked', state: isRevocationOwed(rotation) ? 'open' : 'done' };
    default:
      return { stage: lastStageOf(rotation), state: 'stopped' };
  }
}

/** The old key is out of use here, and may still live at its provider. */
function isRevocationOwed({ old_key: old }: Rotation): boolean {
  return old !== null && old.revoked_at === null;
}

const open = (stage: Stage): Standing => ({ stage, state: 'open' });

/** How far one came that has ended early. */
function lastStageOf({ promoted_at: promotedAt, traffic, new_key: key }: Rotation): Stage {
  if (promotedAt !== null) return 'soak';
  if (traffic.new.calls > 0) return 'canary';
  return key.mask === null ? 'key' : 'test';
}
