/** A key that serves without a binding is said in the log once, not with every snapshot. */
import { beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../src/foundation/logger.ts';
import { Secret } from '../../src/foundation/secret.ts';
import { remarkTeller } from '../../src/keys/tell-remarks.ts';
import type { Snapshot } from '../../src/keys/snapshot.ts';
import { servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

let lines: string[];
let tell: (snapshot: Snapshot) => void;
beforeEach(() => {
  lines = [];
  tell = remarkTeller(
    createLogger({ level: 'info', format: 'json', scrub: (line) => line, write: (line) => lines.push(line) }),
  );
});

function snapshot(remarks: Readonly<Record<string, string>>, fingerprint = 'fp_1'): Snapshot {
  const providers = ['groq', 'xai'].map((slug) => {
    const { resolution, ...provider } = servedProvider(slug);
    return { ...provider, resolution: { ...resolution, key: new Secret('key', fingerprint) } };
  });
  return { ...snapshotOf(providers), remarks: new Map(Object.entries(remarks)) };
}

it('once for each provider', () => {
  for (let times = 0; times < 3; times += 1) tell(snapshot({ groq: 'a', xai: 'b' }));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/"provider":"groq".*fp_1.*a stored key serves without a binding: a/);
});

it('again for another key, for another remark, and after it was gone', () => {
  tell(snapshot({ groq: 'a' }));
  tell(snapshot({ groq: 'a' }, 'fp_2'));
  tell(snapshot({ groq: 'b' }, 'fp_2'));
  tell(snapshot({}));
  tell(snapshot({ groq: 'b' }, 'fp_2'));
  expect(lines).toHaveLength(4);
});
