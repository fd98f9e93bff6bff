/**
 * A process that takes the lock of a data directory and holds it: `hold-lock-main.ts DIRECTORY SOCKET`.
 * Says "ready", waits for a line, tries, says what came of it as JSON, and lets go when its input ends.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { lockDirectory } from '../../src/database/directory-lock.ts';
import { messageOf } from '../../src/foundation/errors.ts';

const [, , directory = '', socketPath = ''] = process.argv;
const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

const input = createInterface({ input: process.stdin });
const ended = once(input, 'close');
say('ready');
await once(input, 'line');
try {
  const lock = await lockDirectory(directory, socketPath, 'server');
  say(lock.held ? { held: true, pid: process.pid } : { held: false, owner: lock.owner });
  await ended;
  if (lock.held) lock.release();
} catch (error) {
  say({ error: messageOf(error) });
}
