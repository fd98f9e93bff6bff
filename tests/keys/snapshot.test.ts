import { expect, test } from 'vitest';
import { Secret } from '../../src/foundation/secret.ts';
import { keysIn } from '../../src/keys/snapshot.ts';
import { servedProvider, snapshotOf } from '../support/snapshot-parts.ts';

test('the keys of a snapshot are those that serve and the other ones of rotations', () => {
  const key = new Secret('the key that serves');
  const other = new Secret('the other key');
  const { resolution } = servedProvider('groq');
  const keys = keysIn(
    snapshotOf([
      servedProvider('groq', {
        resolution: { ...resolution, key },
        trial: { rotationId: '1', stage: 'soak', share: 0, other: { key: other, source: 'database' } },
      }),
      servedProvider('keyless', { resolution: { ...resolution, key: null } }),
    ]),
  );
  expect(keys).toEqual([key, other]);
});
