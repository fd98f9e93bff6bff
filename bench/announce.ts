/** How the bench's own servers start: on a free loopback port, which they tell in the way that Keyward does, and no longer than whoever started them. */
import type { Server } from 'node:net';

export function announce(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening on a port');
    process.stdout.write(`listens on http://127.0.0.1:${address.port}\n`);
  });
  // The pipe ends with the process that holds its other end, however that one ends.
  process.stdin.on('end', () => process.exit(0)).resume();
}
