/** Names that a stranger cannot own. */
import { expect, it } from 'vitest';
import { isPrivateName } from '../../src/foundation/private-names.ts';

it.each(['localhost', 'keyward', 'box.local', 'a.localhost', 'keyward.internal', 'nas.home.arpa', 'nas.lan'])(
  '%s is private',
  (name) => {
    expect(isPrivateName(name)).toBe(true);
  },
);

it.each([
  'evil.example',
  'local.evil.example',
  'localhost.evil.example',
  'xlocal.com',
  'internal.com',
  'a.internal.com',
])('%s is public', (name) => {
  expect(isPrivateName(name)).toBe(false);
});
