/**
 * A rotation as people and programs are shown it: where it stands and why, both keys without secrets, what each
 * has served, and what may come next.
 */
import type { KeyActParts } from '../key-acts.ts';
import { findProvider } from '../list-providers.ts';
import { whatCanaryWaitsFor } from './canary-wait.ts';
import { decide, isOpen, missingProof, type RotationCommand } from './rotation-machine.ts';
import { factsOf, verdictIn, type KeyVersion, type Rotation } from './rotation-store.ts';
import { readTraffic, type Counts, type Traffic } from './rotation-traffic.ts';
import { whyNoWayBack } from './way-back.ts';

export function viewVersion(version: KeyVersion) {
  return {
    id: version.id,
    state: version.state,
    fingerprint: version.fingerprint,
    mask: version.mask,
    origin: version.origin,
    minted_name: version.minted_name,
    created_by: version.created_by,
    reason: version.reason,
    last_verdict: verdictIn(version.last_verdict),
    last_tested_at: iso(version.last_tested_at),
    generated_at: iso(version.generated_at),
    expires_at: iso(version.expires_at),
    created_at: version.created_at.toISOString(),
    promoted_at: iso(version.promoted_at),
    retired_at: iso(version.retired_at),
    revoked_at: iso(version.revoked_at),
    remark: version.remark,
  };
}

export type VersionView = ReturnType<typeof viewVersion>;

const acts = {
  // What the provider will say is not known; that it may be asked is.
  test: { kind: 'tested', verdict: 'valid', message: '' },
  canary: { kind: 'canary', force: false },
  promote: { kind: 'promote', force: false },
  rollback: { kind: 'roll_back', why: null, force: false },
  retire: { kind: 'retire', force: false },
  cancel: { kind: 'cancel' },
} as const satisfies Record<string, RotationCommand>;

type Parts = Pick<KeyActParts, 'database' | 'changes'>;

export async function viewRotation(parts: Parts, slug: string, rotation: Rotation) {
  const traffic = await readTraffic(parts.database.kysely, rotation.id);
  const open = isOpen(rotation.step);
  const row = open ? await findProvider(parts.database.kysely, slug) : undefined;
  const noWayBack = row === undefined ? null : whyNoWayBack(parts.changes, row, rotation);
  const facts = factsOf(rotation, traffic, noWayBack);
  return {
    id: rotation.id,
    provider: slug,
    step: rotation.step,
    is_open: open,
    is_automatic: rotation.is_automatic,
    explanation: rotation.explanation ?? whatIsMissing(rotation, traffic),
    next: Object.entries(acts).flatMap(([name, command]) =>
      'refusal' in decide(facts, command) ? [] : [name],
    ),
    new_key: viewVersion(rotation.newKey),
    old_key: rotation.oldKey === null ? null : viewVersion(rotation.oldKey),
    no_way_back: noWayBack,
    source_before: rotation.source_before,
    canary_percent: Number(rotation.canary_percent),
    soak_seconds: rotation.soak_seconds,
    soak_is_over: rotation.soakIsOver,
    traffic: { new: viewCounts(traffic.new), old: viewCounts(traffic.old) },
    is_forced: rotation.is_forced,
    started_by: rotation.started_by,
    reason: rotation.reason,
    started_at: rotation.started_at.toISOString(),
    step_since: rotation.step_since.toISOString(),
    promoted_at: iso(rotation.promoted_at),
    ended_at: iso(rotation.ended_at),
  };
}

function whatIsMissing(rotation: Rotation, traffic: Traffic): string | null {
  const { step, is_automatic: isAutomatic } = rotation;
  if (!isOpen(step) || step === 'soaking') return null;
  return isAutomatic && step === 'canary'
    ? whatCanaryWaitsFor(rotation, traffic)
    : missingProof(factsOf(rotation, traffic, null));
}

export type RotationView = Awaited<ReturnType<typeof viewRotation>>;

function viewCounts({ calls, errors, refusals }: Readonly<Counts>) {
  return { calls, errors, refusals, error_rate: calls === 0 ? null : errors / calls };
}

function iso(time: Date | null): string | null {
  return time?.toISOString() ?? null;
}
