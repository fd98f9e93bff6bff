/**
 * Loaded into Keyward by bench:streams: collects garbage when SIGUSR2 asks for it, so that what is held can be told from
 * what only has not been collected yet.
 */
import { isMainThread } from 'node:worker_threads';

if (isMainThread) process.on('SIGUSR2', () => globalThis.gc?.());
