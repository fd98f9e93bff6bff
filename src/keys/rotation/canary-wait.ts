/** What the promotion of a canary that goes by itself waits for: the proof that every promotion takes, time, and calls. */
import { missingProof } from './rotation-machine.ts';
import { factsOf, type Rotation } from './rotation-store.ts';
import type { Traffic } from './rotation-traffic.ts';

/** Null where nothing stands in the way of the promotion; else a sentence. */
export function whatCanaryWaitsFor(rotation: Rotation, served: Traffic): string | null {
  const lack = missingProof(factsOf(rotation, served, null));
  if (lack !== null) return lack;
  const { secondsAtStep, canary_seconds: seconds, canary_min_calls: wanted } = rotation;
  if (secondsAtStep < seconds) return `The new key is tried for ${seconds - secondsAtStep} s more.`;
  const good = served.new.calls - served.new.errors;
  return good < wanted ? `${good} of ${wanted} calls were answered with the new key.` : null;
}
